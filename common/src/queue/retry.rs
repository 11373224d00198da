//! Retry: an ended job once more, as a new one.

use super::{Queue, QueueError, Submitted, call::absent_or, reply::Items, submit::read_submitted};
use crate::model::{JobId, State};

/// A wish for the same job once more.
#[derive(Debug, Clone)]
pub struct Retry {
    /// The job that has ended.
    pub of: JobId,
    /// The new job's id.
    pub id: JobId,
    /// The task's bound on waiting jobs.
    pub max_queued: Option<u64>,
    /// Whether a client may bring the new id again (an idempotency key): then the record is kept for at least 24 hours.
    pub repeatable: bool,
    /// W3C `traceparent` of the request.
    pub trace: Option<String>,
}

/// What became of a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// The new job was submitted, or not, as any other.
    Submitted(Submitted),
    /// The job has not ended: there is nothing to repeat.
    Wrong(State),
    /// Its input is no longer stored.
    Trimmed,
    /// There is no such job.
    Unknown,
}

impl Queue {
    /// Submits an ended job once more: same task, input, options, labels and owner, not delayed. Sending it again is safe for the
    /// same new id: the second gives [`Submitted::Exists`].
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn retry(&self, retry: &Retry) -> Result<Retried, QueueError> {
        read_retried(self.ask_one_replicated(self.retry_call(retry)).await?)
    }

    /// The call alone, for a pipeline.
    pub(super) fn retry_call(&self, retry: &Retry) -> redis::Cmd {
        let mut call = self.function("dayfly_retry");
        call.arg(retry.of.to_string()).arg(retry.id.to_string()).arg(absent_or(retry.max_queued));
        call.arg(if retry.repeatable { format!("retry:{}", retry.of) } else { String::new() });
        call.arg(retry.trace.as_deref().unwrap_or_default());
        call
    }
}

pub(super) fn read_retried(answer: redis::Value) -> Result<Retried, QueueError> {
    let mut answer = Items::of(answer)?;
    match answer.text()?.as_str() {
        "wrong" => Ok(Retried::Wrong(answer.parsed()?)),
        "trimmed" => Ok(Retried::Trimmed),
        "unknown" => Ok(Retried::Unknown),
        word => Ok(Retried::Submitted(read_submitted("dayfly_retry", word, &mut answer)?.0)),
    }
}
