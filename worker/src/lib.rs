//! The worker: claims jobs, runs each in a process tree of its own, ends every tree for certain.
//!
//! ```text
//!   process  <-  run (one job)  <-  claim loop  <-  daemon
//! ```
//!
//! `process` knows no queue, no Redis, no HTTP; everything above it knows no system call.

pub mod process;

use dayfly_common::{config::WorkerConfig, model::TaskDef, queue::Queue};
use tokio_util::sync::CancellationToken;

/// How a worker is told to stop.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take nothing new, wait for running jobs up to the drain timeout, then end them.
    pub drain: CancellationToken,
    /// End running jobs at once.
    pub now: CancellationToken,
}

/// Runs a worker until it is drained.
///
/// # Errors
/// The supervisor cannot be started or has died.
pub async fn run(
    config: WorkerConfig,
    tasks: Vec<TaskDef>,
    queue: Queue,
    supervisor: process::Supervisor,
    shutdown: Shutdown,
) -> std::io::Result<()> {
    let _ = (config, tasks, queue, supervisor, shutdown);
    todo!()
}
