//! What a running job says, on its way to Redis: collected, and written in batches.

use crate::{context::Context, process::Note};
use dayfly_common::{
    model::{Fence, JobId},
    queue::{Line, LineStream, Progress, QueueError, Report},
};
use std::time::Duration;
use tokio::time::Instant;

/// A line is in Redis this long after it was read, at most; also what holds progress to 10 writes a second.
const FLUSH_AFTER: Duration = Duration::from_millis(100);
/// Lines of one write; more stay for the next.
const BATCH: usize = 500;
/// Beyond this many unsent lines (Redis is away) the oldest go.
const KEPT: usize = 5_000;

/// Collects notes of one attempt.
pub(crate) struct Reporter {
    id: JobId,
    fence: Fence,
    pid: Option<i32>,
    progress: Option<Progress>,
    lines: Vec<Line>,
    dropped: usize,
    due: Instant,
}

impl Reporter {
    /// The pid is due from the start, so a job that lives longer than a flush shows it.
    pub(crate) fn new(id: JobId, fence: Fence, pid: i32) -> Self {
        let due = Instant::now() + FLUSH_AFTER;
        Self { id, fence, pid: Some(pid), progress: None, lines: Vec::new(), dropped: 0, due }
    }

    pub(crate) fn take(&mut self, note: Note) {
        if self.is_empty() {
            self.due = Instant::now() + FLUSH_AFTER;
        }
        match note {
            Note::Stderr(at, text) => self.push(Line { stream: LineStream::Stderr, at, text }),
            Note::System(at, text) => self.push(Line { stream: LineStream::System, at, text }),
            Note::Stuck(at, remains) => {
                let text = format!("some of its processes do not die from SIGKILL: {remains}");
                self.push(Line { stream: LineStream::System, at, text });
            }
            Note::Leads(pid) => self.pid = Some(pid),
            Note::Event(at, text) => self.push(Line { stream: LineStream::Event, at, text }),
        }
    }

    /// The latest of a job's progress; `None` before there was any.
    pub(crate) fn show(&mut self, progress: Option<Progress>) {
        if self.is_empty() {
            self.due = Instant::now() + FLUSH_AFTER;
        }
        self.progress = progress;
    }

    fn push(&mut self, line: Line) {
        if self.lines.len() >= KEPT {
            self.lines.remove(0);
            self.dropped += 1;
        }
        self.lines.push(line);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pid.is_none() && self.progress.is_none() && self.lines.is_empty()
    }

    /// When the next flush is due; `None` while there is nothing to send.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.is_empty()).then_some(self.due)
    }

    /// Whether something is left that is worth a round trip after the end: lines, not the pid (`finish` carries it).
    pub(crate) fn has_words(&self) -> bool {
        !self.lines.is_empty() || self.progress.is_some()
    }

    /// Sends what there is. `false`: the attempt is no longer ours.
    ///
    /// # Errors
    /// Redis did not take it; it is kept for the next time.
    pub(crate) async fn flush(&mut self, ctx: &Context) -> Result<bool, QueueError> {
        if self.dropped > 0
            && let Some(first) = self.lines.first()
        {
            let text = format!("{} lines were dropped here while Redis was away", self.dropped);
            self.lines.insert(0, Line { stream: LineStream::System, at: first.at, text });
            self.dropped = 0;
        }
        let rest = self.lines.split_off(self.lines.len().min(BATCH));
        let lines = std::mem::replace(&mut self.lines, rest);
        let report =
            Report { id: self.id, fence: self.fence.clone(), pid: self.pid, progress: self.progress.clone(), lines };
        self.due = Instant::now() + FLUSH_AFTER;
        match ctx.queue.report(&report).await {
            Ok(ours) => {
                self.pid = None;
                self.progress = None;
                Ok(ours)
            }
            Err(error) => {
                self.lines.splice(0..0, report.lines);
                Err(error)
            }
        }
    }
}
