//! Cancel: one durable key.

use super::{Queue, QueueError};
use crate::model::{JobId, State};

/// What became of a cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited; it is cancelled and never starts.
    Now,
    /// It runs; its worker has been told and will end it.
    Asked,
    /// It had ended before, as this.
    Ended(State),
    /// There is no such job.
    Unknown,
}

impl Queue {
    /// Asks for the end of a job. `grace_ms` shortens the time from SIGTERM to SIGKILL; 0 kills at once.
    ///
    /// # Errors
    /// See [`QueueError`]. Sending it again is safe.
    pub async fn cancel(
        &self,
        id: JobId,
        reason: Option<&str>,
        grace_ms: Option<u64>,
    ) -> Result<Cancelled, QueueError> {
        let _ = (id, reason, grace_ms);
        todo!()
    }
}
