//! A worker with a part taken out, for tests that must notice that it is missing. No configuration, flag or variable leads here:
//! only a program that calls it, and `dayfly` does not.

use crate::{
    daemon::{Shutdown, WorkerError, run_fenced},
    process::Supervisor,
};
use dayfly_common::{config::WorkerConfig, model::TaskDef, queue::Queue};

/// Whether a worker ends its jobs by its own clock before their leases run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SelfFence {
    /// It does.
    Kept,
    /// Leases are renewed and lost as ever, but no job is ended by the clock, and none is too late to start.
    Missing,
}

/// As [`crate::run`], without self-fencing.
///
/// # Errors
/// See [`WorkerError`].
pub async fn run_without_self_fence(
    config: WorkerConfig,
    tasks: Vec<TaskDef>,
    queue: Queue,
    supervisor: Supervisor,
    shutdown: Shutdown,
) -> Result<(), WorkerError> {
    run_fenced(config, tasks, queue, supervisor, shutdown, SelfFence::Missing).await
}
