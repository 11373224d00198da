//! What tests share: servers, daemons and hosts of their own, and bounded waits.

mod daemon;
mod example;
mod processes;
pub mod queue_rig;
mod rig;
mod server;
mod wait;

pub use daemon::{Daemon, dayfly_binary};
pub use example::{Ran, run_example};
pub use processes::{alive, processes_with};
pub use rig::Rig;
pub use server::{Server, free_port, server_binary};
pub use wait::{eventually, eventually_async};
