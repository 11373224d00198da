//! Finish: an attempt's end, written once.

use super::{Ask, Claim, Claimed, Queue, QueueError};
use crate::model::{Fence, JobId, KilledBy, Outcome, State, TaskName, Usage};

/// The end of an attempt, ready to be sent, again and again until it is answered.
#[derive(Debug, Clone)]
pub struct Finish {
    /// The job.
    pub id: JobId,
    /// Its task.
    pub task: TaskName,
    /// Proof of the claim.
    pub fence: Fence,
    /// The worker's id.
    pub worker: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What it used; `None` when no process was started.
    pub usage: Option<Usage>,
    /// What made Dayfly end it.
    pub killed_by: Option<KilledBy>,
    /// From the first signal to the last process gone, ms.
    pub kill_ms: Option<u64>,
    /// The leader's pid as the host sees it.
    pub pid: Option<i32>,
    /// Wait before a retry, should there be one, ms.
    pub retry_delay_ms: u64,
    /// The task's `retries`, for a job that names none.
    pub retries: u32,
    /// The task's `lost_retries`: with 0 a drained job fails as `lost`, for it must not run twice.
    pub lost_retries: u32,
    /// The task's `retention`, for a job that names none, ms.
    pub retention_ms: u64,
}

impl Claim {
    /// Uses up the claim. The fields that depend on the task's definition are for the caller to fill.
    #[must_use]
    pub fn finish(self, worker: &str, outcome: Outcome) -> Finish {
        Finish {
            id: self.id,
            task: self.task,
            fence: self.fence,
            worker: worker.to_owned(),
            outcome,
            usage: None,
            killed_by: None,
            kill_ms: None,
            pid: None,
            retry_delay_ms: 0,
            retries: 0,
            lost_retries: 2,
            retention_ms: 7 * 86_400_000,
        }
    }
}

/// What became of a finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// Stored; the job's state now.
    Done(State),
    /// This fence had finished before; the state it led to.
    Already(State),
    /// The attempt is no longer this worker's; nothing was written.
    Fenced,
}

impl Queue {
    /// Writes the ends of attempts and, in the same round trip, asks for the next jobs. Both parts may be repeated.
    ///
    /// # Errors
    /// See [`QueueError`]; a job that is only garbled or refused fails the whole call, to be repeated.
    pub async fn finish(
        &self,
        ends: &[Finish],
        ask: Option<&Ask>,
    ) -> Result<(Vec<Finished>, Option<Claimed>), QueueError> {
        let _ = (ends, ask);
        todo!()
    }
}
