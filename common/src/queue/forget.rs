//! Forget: a task is taken out of the registry.

use super::{Queue, QueueError, reply::Items};
use crate::model::TaskName;

/// What became of a wish to forget a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forgotten {
    /// It is gone; its ended jobs stay until their retention is over.
    Done,
    /// So many live workers serve it.
    Served(u64),
    /// It holds so many jobs that have not ended.
    Holds(u64),
    /// Nothing is known of it.
    Unknown,
}

impl Queue {
    /// Takes a task out of the registry, with its totals and run times, unless a live worker serves it or a job of it has not ended.
    ///
    /// # Errors
    /// See [`QueueError`]. Sending it again is safe; the second time nothing is known of it.
    pub async fn forget_task(&self, task: &TaskName) -> Result<Forgotten, QueueError> {
        let mut call = self.function("dayfly_forget");
        call.arg(task.as_str());
        let mut answer = Items::of(self.ask_one_replicated(call).await?)?;
        match answer.text()?.as_str() {
            "done" => Ok(Forgotten::Done),
            "served" => Ok(Forgotten::Served(answer.parsed()?)),
            "holds" => Ok(Forgotten::Holds(answer.parsed()?)),
            "unknown" => Ok(Forgotten::Unknown),
            other => Err(QueueError::Garbled(format!("dayfly_forget answered `{other}`"))),
        }
    }
}
