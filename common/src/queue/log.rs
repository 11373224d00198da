//! Reading a job's captured lines.

use super::{
    Queue, QueueError,
    entry::EntryId,
    reply::{Items, pairs},
};
use crate::model::JobId;
use redis::{Cmd, Value};

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The stream entry's id.
    pub id: EntryId,
    /// `stderr`, `event` or `system`.
    pub stream: String,
    /// Ms since the epoch.
    pub at: i64,
    /// The text.
    pub line: String,
}

impl Queue {
    /// A job's captured lines after the entry `after` (or from the start), at most `count`.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn log(&self, id: JobId, after: Option<EntryId>, count: usize) -> Result<Vec<LogLine>, QueueError> {
        let mut read = redis::cmd("XRANGE");
        read.arg(self.keys.job_log(id));
        read.arg(after.map_or_else(|| "-".to_owned(), |entry| format!("({entry}")));
        read.arg("+");
        self.lines(read, count).await
    }

    /// The last `count` captured lines, oldest first.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn log_tail(&self, id: JobId, count: usize) -> Result<Vec<LogLine>, QueueError> {
        let mut read = redis::cmd("XREVRANGE");
        read.arg(self.keys.job_log(id)).arg("+").arg("-");
        let mut lines = self.lines(read, count).await?;
        lines.reverse();
        Ok(lines)
    }

    async fn lines(&self, mut read: Cmd, count: usize) -> Result<Vec<LogLine>, QueueError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        read.arg("COUNT").arg(count);
        Items::of(self.ask(read).await?)?.rest().map(read_line).collect()
    }
}

pub(super) fn read_line(entry: Value) -> Result<LogLine, QueueError> {
    let mut entry = Items::of(entry)?;
    let mut line = LogLine { id: entry.parsed()?, stream: String::new(), at: 0, line: String::new() };
    for (name, value) in pairs(entry.value())? {
        let value = String::from_utf8_lossy(&value).into_owned();
        match name.as_str() {
            "stream" => line.stream = value,
            "line" => line.line = value,
            "at" => line.at = super::reply::parsed(&value)?,
            _ => {}
        }
    }
    Ok(line)
}
