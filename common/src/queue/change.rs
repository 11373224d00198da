//! Change: another priority or another time for a job that waits.

use super::{Queue, QueueError, call::absent_or, reply::Items};
use crate::model::{JobId, State};

/// When a waiting job may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// As soon as a worker takes it.
    Now,
    /// Ms since the epoch, by the server's clock; what is past means now.
    Ms(i64),
}

/// What is to be another; `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// 0 (most urgent) to 9.
    pub priority: Option<u8>,
    /// When it may start.
    pub at: Option<StartAt>,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// Done; its state now.
    Done(State),
    /// It does not wait, and stays as it is.
    Wrong(State),
    /// It would start after it expires, ms since the epoch; it stays as it is.
    Late(i64),
    /// There is no such job.
    Unknown,
}

impl Queue {
    /// Gives a waiting job another priority or time. A later time takes it out of its queue until then.
    ///
    /// # Errors
    /// See [`QueueError`]. Sending it again is safe.
    pub async fn change(&self, id: JobId, change: &Change) -> Result<Changed, QueueError> {
        let mut call = self.function("dayfly_change");
        call.arg(id.to_string()).arg(absent_or(change.priority));
        match change.at {
            None => call.arg(""),
            Some(StartAt::Now) => call.arg("now"),
            Some(StartAt::Ms(ms)) => call.arg(ms.max(0)),
        };
        let mut answer = Items::of(self.ask_one_replicated(call).await?)?;
        match answer.text()?.as_str() {
            "done" => Ok(Changed::Done(answer.parsed()?)),
            "wrong" => Ok(Changed::Wrong(answer.parsed()?)),
            "late" => Ok(Changed::Late(answer.parsed()?)),
            "unknown" => Ok(Changed::Unknown),
            other => Err(QueueError::Garbled(format!("dayfly_change answered `{other}`"))),
        }
    }
}
