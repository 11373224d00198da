//! The events stream: one reader per process, whatever the number of waiting clients.

use super::{Queue, QueueError, entry::EntryId, reply::Items, reply::pairs, reply::text, term::Tenure};
use crate::model::{JobId, State, TaskName};
use redis::{Value, aio::MultiplexedConnection};
use std::{fmt, time::Duration};

/// Longest silence of a reader.
const SILENCE: Duration = Duration::from_secs(2);
/// Most events a reading.
const AT_ONCE: usize = 1_000;

/// A state change (or a hint that progress, log lines or a cancel request are there: then `state` is `None`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The stream entry's id.
    pub entry: EntryId,
    /// The job.
    pub id: JobId,
    /// Its task.
    pub task: TaskName,
    /// The state it is in now.
    pub state: Option<State>,
}

/// A reader on its own connection, beginning with what comes after its making.
pub struct EventReader {
    connection: MultiplexedConnection,
    tenure: Tenure,
    stream: String,
    /// The last entry seen.
    last: EntryId,
    /// What an answer may take on top of the silence.
    slack: Duration,
}

impl fmt::Debug for EventReader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("EventReader").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Queue {
    /// Opens a reader.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn event_reader(&self) -> Result<EventReader, QueueError> {
        let (connection, tenure) = self.dedicated().await?;
        let mut reader =
            EventReader { connection, tenure, stream: self.keys.events(), last: EntryId::ZERO, slack: self.deadline };
        reader.skip_to_newest().await?;
        Ok(reader)
    }
}

impl EventReader {
    /// Passes over whatever came until now.
    ///
    /// # Errors
    /// See [`QueueError`]; then the reader is of no use.
    pub async fn skip_to_newest(&mut self) -> Result<(), QueueError> {
        let mut newest = redis::cmd("XREVRANGE");
        newest.arg(&self.stream).arg("+").arg("-").arg("COUNT").arg(1);
        let answer = tokio::time::timeout(self.slack, newest.query_async::<Value>(&mut self.connection))
            .await
            .map_err(|_| QueueError::Slow(self.slack))??;
        self.last = match Items::of(answer)?.rest().next() {
            Some(entry) => Items::of(entry)?.parsed()?,
            None => EntryId::ZERO,
        };
        Ok(())
    }

    /// Whether the last entry seen is still in the stream. If not, events may have passed unseen: the stream keeps a bounded
    /// number, and a server may lose its data.
    ///
    /// # Errors
    /// See [`QueueError`]; then the reader is of no use.
    pub async fn intact(&mut self) -> Result<bool, QueueError> {
        if self.last == EntryId::ZERO {
            return Ok(true);
        }
        let last = self.last.to_string();
        let mut look = redis::cmd("XRANGE");
        look.arg(&self.stream).arg(&last).arg(&last);
        let answer = tokio::time::timeout(self.slack, look.query_async::<Value>(&mut self.connection))
            .await
            .map_err(|_| QueueError::Slow(self.slack))??;
        Ok(Items::of(answer)?.rest().next().is_some())
    }

    /// The next events; empty after about 2 s of silence. After an error the reader is of no use: open another, and take
    /// anything as missed in between.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn next(&mut self) -> Result<Vec<Event>, QueueError> {
        let mut read = redis::cmd("XREAD");
        read.arg("COUNT").arg(AT_ONCE).arg("BLOCK").arg(SILENCE.as_millis().to_string());
        read.arg("STREAMS").arg(&self.stream).arg(self.last.to_string());
        let limit = SILENCE + self.slack;
        let connection = &mut self.connection;
        let asked = async {
            let answer = tokio::time::timeout(limit, read.query_async::<Value>(connection)).await;
            Ok(answer.map_err(|_| QueueError::Slow(limit))??)
        };
        let answer = self.tenure.while_it_lasts(asked).await?;
        if answer == Value::Nil {
            return Ok(Vec::new());
        }
        let mut events = Vec::new();
        for stream in Items::of(answer)?.rest() {
            let mut named = Items::of(stream)?;
            named.value();
            for entry in Items::of(named.value())?.rest() {
                let mut entry = Items::of(entry)?;
                self.last = entry.parsed()?;
                events.extend(read_event(self.last, entry.value()));
            }
        }
        Ok(events)
    }
}

/// `None` for an entry that is not ours to read: written by hand, or by a later revision.
pub(super) fn read_event(entry: EntryId, fields: Value) -> Option<Event> {
    let (mut id, mut task, mut state) = (None, None, None);
    for (name, value) in pairs(fields).ok()? {
        let value = text(Value::BulkString(value)).ok()?;
        match name.as_str() {
            "id" => id = value.parse().ok(),
            "task" => task = value.parse().ok(),
            "state" => state = Some(value.parse().ok()?),
            _ => {}
        }
    }
    Some(Event { entry, id: id?, task: task?, state })
}
