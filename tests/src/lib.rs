//! What tests share: servers, daemons and hosts of their own, and bounded waits.

mod api;
mod census;
pub mod chaos;
mod cluster;
pub mod conformity;
mod daemon;
mod dev;
mod example;
mod hand;
mod installation;
pub mod load;
mod own_group;
pub mod process;
mod processes;
pub mod rig;
mod sentinels;
mod server;
mod tripwire;
mod wait;
mod walk;

pub use api::{Answer, Api, answer, queue};
pub use census::Census;
pub use cluster::Cluster;
pub use daemon::{Daemon, PASSED_SECRET, dayfly_binary};
pub use dev::Dev;
pub use example::{Ran, run_example};
pub use hand::{Hand, task};
pub use installation::Installation;
pub use own_group::OwnGroup;
pub use processes::{alive, descendants, parent, processes_with};
pub use sentinels::Sentinels;
pub use server::{Backend, Server, free_port, server_binary};
pub use tripwire::{Point, Tripwire};
pub use wait::{eventually, eventually_async};
pub use walk::walk;
