//! Delete: an ended job is forgotten.

use super::{Queue, QueueError, reply::Items};
use crate::model::{JobId, State};

/// What became of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone, or was deleted a moment ago.
    Done,
    /// It has not ended, and stays.
    Live(State),
    /// There is no such job.
    Unknown,
}

impl Queue {
    /// Forgets an ended job. A tombstone keeps its id from making another one while a client may bring it again.
    ///
    /// # Errors
    /// See [`QueueError`]. Sending it again is safe.
    pub async fn delete(&self, id: JobId) -> Result<Deleted, QueueError> {
        read_deleted(self.ask_one_replicated(self.delete_call(id)).await?)
    }

    /// The call alone, for a pipeline.
    pub(super) fn delete_call(&self, id: JobId) -> redis::Cmd {
        let mut call = self.function("dayfly_delete");
        call.arg(id.to_string());
        call
    }
}

pub(super) fn read_deleted(answer: redis::Value) -> Result<Deleted, QueueError> {
    let mut answer = Items::of(answer)?;
    match answer.text()?.as_str() {
        "done" => Ok(Deleted::Done),
        "live" => Ok(Deleted::Live(answer.parsed()?)),
        "unknown" => Ok(Deleted::Unknown),
        other => Err(QueueError::Garbled(format!("dayfly_delete answered `{other}`"))),
    }
}
