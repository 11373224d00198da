//! Reading: one job, its result and log, lists, tasks, workers. Writes nothing but a settled cancel.

use super::{AttemptRecord, JobRecord, Presence, Queue, QueueError, TaskCard};
use crate::model::{JobId, State, TaskName};
use bytes::Bytes;

/// A job with what its page shows.
#[derive(Debug, Clone)]
pub struct JobView {
    /// The record.
    pub record: JobRecord,
    /// The input, unless it was trimmed.
    pub input: Option<Bytes>,
    /// The result, for a job that succeeded, unless it was trimmed.
    pub result: Option<Bytes>,
    /// Ended attempts, oldest first.
    pub attempts: Vec<AttemptRecord>,
    /// Jobs ahead of it in its queue (0: it is next), for a queued job.
    pub queue_position: Option<u64>,
    /// Workers that serve its task now.
    pub live_workers: u64,
}

/// Which jobs a list holds.
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    /// Only this state.
    pub state: Option<State>,
    /// Only this task.
    pub task: Option<TaskName>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// At most this many, 1 to 500.
    pub limit: usize,
}

/// A page of a list: running, queued, scheduled, then finished ones, newest first.
#[derive(Debug, Clone)]
pub struct ListPage {
    /// May be short although `next` is there: filters look at a bounded number of records.
    pub items: Vec<JobRecord>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The stream entry's id.
    pub id: String,
    /// `stderr`, `event` or `system`.
    pub stream: String,
    /// Ms since the epoch.
    pub at: i64,
    /// The text.
    pub line: String,
}

/// A task with its queue.
#[derive(Debug, Clone)]
pub struct TaskStatus {
    /// Its name.
    pub name: TaskName,
    /// Its definition, when a worker published it.
    pub card: Option<TaskCard>,
    /// Jobs that wait now.
    pub queued: u64,
    /// Jobs that wait for their time.
    pub scheduled: u64,
    /// Jobs that run.
    pub running: u64,
    /// No claims are given.
    pub paused: bool,
    /// `ready_at` of the oldest job of the most urgent priority that waits, ms.
    pub oldest_at: Option<i64>,
    /// Workers that serve it now.
    pub live_workers: u64,
    /// Two definitions are about.
    pub conflict: bool,
}

/// A worker that beat lately.
#[derive(Debug, Clone)]
pub struct WorkerStatus {
    /// What it says of itself.
    pub presence: Presence,
    /// Its last heartbeat, server time, ms.
    pub seen_at: i64,
    /// What it holds.
    pub jobs: Vec<JobId>,
}

/// The cursor is not one that a list gave.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Not a cursor.
    #[error("the cursor is not one that a list gave: leave it out to begin at the first page")]
    BadCursor,
    /// See [`QueueError`].
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl Queue {
    /// The job, or `None`. Settles a cancel key set by hand on a waiting job.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn job(&self, id: JobId) -> Result<Option<JobView>, QueueError> {
        let _ = id;
        todo!()
    }

    /// A page of jobs.
    ///
    /// # Errors
    /// A cursor that no list gave, or see [`QueueError`].
    pub async fn list(&self, filter: &ListFilter) -> Result<ListPage, ListError> {
        let _ = filter;
        todo!()
    }

    /// A job's captured lines after the entry `after` (or from the start), at most `count`.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn log(&self, id: JobId, after: Option<&str>, count: usize) -> Result<Vec<LogLine>, QueueError> {
        let _ = (id, after, count);
        todo!()
    }

    /// The last `count` captured lines, oldest first.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn log_tail(&self, id: JobId, count: usize) -> Result<Vec<LogLine>, QueueError> {
        let _ = (id, count);
        todo!()
    }

    /// Every task that a worker published or that holds jobs.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn tasks(&self) -> Result<Vec<TaskStatus>, QueueError> {
        todo!()
    }

    /// Every worker that beat lately.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn workers(&self) -> Result<Vec<WorkerStatus>, QueueError> {
        todo!()
    }

    /// Whether the server answers and holds the library; its round-trip time.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn ping(&self) -> Result<std::time::Duration, QueueError> {
        todo!()
    }
}
