//! Wake-ups: hints that make things fast. Every path works with all of them lost.

use super::{Queue, QueueError};
use crate::model::{JobId, TaskName};
use std::time::Duration;

/// What ended a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// A token of this task.
    Token(TaskName),
    /// Nothing came in time.
    Silence,
}

/// Blocks on the wake lists of a worker's tasks, on a connection of its own.
#[derive(Debug)]
pub struct WakeListener {
    _private: (),
}

/// Hears the ids of running jobs whose cancel was just asked for, on a connection of its own.
#[derive(Debug)]
pub struct CancelListener {
    _private: (),
}

impl Queue {
    /// A listener for the tasks' tokens.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn wake_listener(&self, tasks: &[TaskName]) -> Result<WakeListener, QueueError> {
        let _ = tasks;
        todo!()
    }

    /// Puts a token back that came when no slot was free.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn push_token(&self, task: &TaskName) -> Result<(), QueueError> {
        let _ = task;
        todo!()
    }

    /// A listener for cancels.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn cancel_listener(&self) -> Result<CancelListener, QueueError> {
        todo!()
    }
}

impl WakeListener {
    /// Waits for a token at most `bound`. Not cancel-safe: a dropped wait may lose a token (harmless, but slow) and makes
    /// the listener unusable.
    ///
    /// # Errors
    /// See [`QueueError`]; then the listener is of no further use.
    pub async fn wait(&mut self, bound: Duration) -> Result<Wake, QueueError> {
        let _ = bound;
        todo!()
    }
}

impl CancelListener {
    /// The next id. Cancel-safe.
    ///
    /// # Errors
    /// The connection broke: open another.
    pub async fn next(&mut self) -> Result<JobId, QueueError> {
        todo!()
    }
}
