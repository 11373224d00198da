//! What tests share: servers, daemons and hosts of their own, and bounded waits.

pub mod queue_rig;
mod server;
mod wait;

pub use server::{Server, server_binary};
pub use wait::{eventually, eventually_async};
