//! Cancel: one durable key.

use super::{Queue, QueueError, call::absent_or, reply::Items};
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
        read_cancelled(self.ask_one_replicated(self.cancel_call(id, reason, grace_ms)).await?)
    }

    /// The call alone, for a pipeline.
    pub(super) fn cancel_call(&self, id: JobId, reason: Option<&str>, grace_ms: Option<u64>) -> redis::Cmd {
        let mut call = self.function("dayfly_cancel");
        call.arg(id.to_string()).arg(reason.unwrap_or_default()).arg(absent_or(grace_ms));
        call
    }
}

pub(super) fn read_cancelled(answer: redis::Value) -> Result<Cancelled, QueueError> {
    let mut answer = Items::of(answer)?;
    match answer.text()?.as_str() {
        "now" => Ok(Cancelled::Now),
        "asked" => Ok(Cancelled::Asked),
        "ended" => Ok(Cancelled::Ended(answer.parsed()?)),
        "unknown" => Ok(Cancelled::Unknown),
        other => Err(QueueError::Garbled(format!("dayfly_cancel answered `{other}`"))),
    }
}
