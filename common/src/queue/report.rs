//! Report: what a running attempt says while it runs: its pid, progress and log lines. Fenced.

use super::{Progress, Queue, QueueError};
use crate::model::{Fence, JobId};

/// Where a log line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineStream {
    /// The program's standard error.
    Stderr,
    /// A line of the event pipe that was a message, or could not be read.
    Event,
    /// Dayfly itself.
    System,
}

/// One captured line, valid UTF-8 without its end of line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it came from.
    pub stream: LineStream,
    /// When it was read, ms since the epoch.
    pub at: i64,
    /// The text.
    pub text: String,
}

/// What is new since the last report.
#[derive(Debug, Clone)]
pub struct Report {
    /// The job.
    pub id: JobId,
    /// Proof of the claim.
    pub fence: Fence,
    /// The leader's pid as the host sees it, the first time.
    pub pid: Option<i32>,
    /// The newest progress.
    pub progress: Option<Progress>,
    /// Lines, oldest first.
    pub lines: Vec<Line>,
}

impl Queue {
    /// Writes it, unless the attempt is no longer this worker's: then `false` and nothing is written.
    ///
    /// # Errors
    /// See [`QueueError`]. Sending it again may double log lines, never anything else.
    pub async fn report(&self, report: &Report) -> Result<bool, QueueError> {
        let _ = report;
        todo!()
    }
}
