//! Report: what a running attempt says while it runs: its pid, progress and log lines. Fenced.

use super::{Progress, Queue, QueueError, call::absent_or, reply::parsed, reply::text};
use crate::model::{Fence, JobId};

/// Most log lines kept of a job. The caller bounds their bytes (`max_log`); this bounds their number.
const LINES_KEPT: u32 = 50_000;

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

impl LineStream {
    /// The word in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stderr => "stderr",
            Self::Event => "event",
            Self::System => "system",
        }
    }
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
        let progress = match &report.progress {
            Some(progress) => {
                serde_json::to_string(progress).map_err(|error| QueueError::Garbled(error.to_string()))?
            }
            None => String::new(),
        };
        let mut call = self.function("dayfly_report");
        call.arg(report.id.to_string()).arg(report.fence.to_string());
        call.arg(absent_or(report.pid)).arg(progress).arg(LINES_KEPT);
        for line in &report.lines {
            call.arg(line.stream.as_str()).arg(line.at).arg(&line.text);
        }
        Ok(parsed::<i64>(&text(self.ask(call).await?)?)? == 1)
    }
}
