//! The events stream: one reader per process, whatever the number of waiting clients.

use super::{Queue, QueueError};
use crate::model::{JobId, State, TaskName};

/// A state change (or a hint that progress or log lines are there: then `state` is `None`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The stream entry's id.
    pub entry: String,
    /// The job.
    pub id: JobId,
    /// Its task.
    pub task: TaskName,
    /// The state it is in now.
    pub state: Option<State>,
}

/// A reader on its own connection, beginning with what comes after its making.
#[derive(Debug)]
pub struct EventReader {
    _private: (),
}

impl Queue {
    /// Opens a reader.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn event_reader(&self) -> Result<EventReader, QueueError> {
        todo!()
    }
}

impl EventReader {
    /// The next events; empty after about 2 s of silence. After an error the reader is of no use: open another, and take
    /// anything as missed in between.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn next(&mut self) -> Result<Vec<Event>, QueueError> {
        todo!()
    }
}
