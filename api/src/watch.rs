//! Watching one job on behalf of a client that stays: its record and its log, read when an event says that there is something
//! new, when events may have been missed, and every few seconds anyway.

use crate::{app::App, events::Interest};
use dayfly_common::{
    model::JobId,
    queue::{EntryId, Followed, JobRecord, LogLine, QueueError},
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Lines read at a time.
pub(crate) const PAGE: usize = 1_000;
/// Looked this often even when nothing woke the watcher.
const LOOK_ANYWAY: Duration = Duration::from_secs(5);
/// And this often while Redis is away. (It is looked at once when the reader of events has found it again.)
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// And once more this soon after something new: a running job's events are at least 190 ms apart (`report.lua`), so what it says
/// between two of them may be followed by none.
const LOOK_AFTER: Duration = Duration::from_millis(250);

/// A watched job.
pub(crate) struct Watch {
    app: Arc<App>,
    id: JobId,
    interest: Interest,
    /// Tells the job from another that was stored later under the same id.
    created_at: i64,
    /// The last line seen.
    after: Option<EntryId>,
    /// Begins at the first line, so that lines which are no longer there are lost.
    from_start: bool,
    /// There may be something new.
    due: bool,
    /// An event has said so.
    woken: bool,
    look_at: Instant,
}

/// What happened next.
pub(crate) enum Step {
    /// The job was looked at.
    Seen(Box<Seen>),
    /// There is no such job any more.
    Gone,
    /// It could not be looked at; that will be tried again.
    Away,
    /// Nothing happened for as long as the caller wanted to wait.
    Silence,
    /// The server shuts down.
    Closing,
}

/// A look at the job.
pub(crate) struct Seen {
    pub(crate) record: JobRecord,
    /// The last line seen before this look.
    pub(crate) from: EntryId,
    /// What came in its log since the last look.
    pub(crate) lines: Vec<LogLine>,
    /// These were all lines there are.
    pub(crate) whole: bool,
    /// Lines may be missing before these, or it is another job under the same id.
    pub(crate) gap: bool,
    /// So many lines before the first are no longer kept.
    pub(crate) lost: u64,
}

impl Watch {
    /// Watches a job whose record was read after `interest` was registered; its log from the line after `after` on.
    pub(crate) fn new(
        app: Arc<App>,
        interest: Interest,
        record: &JobRecord,
        after: Option<EntryId>,
        from_start: bool,
    ) -> Self {
        let (id, created_at) = (record.id, record.created_at);
        Self { app, id, interest, created_at, after, from_start, due: true, woken: true, look_at: Instant::now() }
    }

    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    pub(crate) fn created_at(&self) -> i64 {
        self.created_at
    }

    /// The last line seen.
    pub(crate) fn place(&self) -> EntryId {
        self.after.unwrap_or(EntryId::ZERO)
    }

    /// Begins anew with the first line.
    pub(crate) fn rewind(&mut self) {
        (self.after, self.from_start, self.due) = (None, true, true);
    }

    /// Waits until something happens, at most until `quiet`.
    pub(crate) async fn step(&mut self, quiet: Instant) -> Step {
        let app = Arc::clone(&self.app);
        while !self.due {
            tokio::select! {
                () = app.closing.cancelled() => return Step::Closing,
                () = self.interest.woken() => (self.due, self.woken) = (true, true),
                () = tokio::time::sleep_until(self.look_at) => self.due = true,
                () = tokio::time::sleep_until(quiet) => return Step::Silence,
            }
        }
        match app.closing.run_until_cancelled(self.look()).await {
            None => Step::Closing,
            Some(Ok(Some(seen))) => Step::Seen(Box::new(seen)),
            Some(Ok(None)) => Step::Gone,
            Some(Err(error)) => {
                tracing::debug!(job = %self.id, %error, "job {} could not be read while a client watches it", self.id);
                (self.due, self.look_at) = (false, Instant::now() + LOOK_AGAIN);
                Step::Away
            }
        }
    }

    async fn look(&mut self) -> Result<Option<Seen>, QueueError> {
        let (queue, from) = (&self.app.queue, self.place());
        let _turn = self.app.events.turn().await;
        let Some(Followed { record, lines, gap }) = queue.follow(self.id, self.after, PAGE).await? else {
            return Ok(None);
        };
        let first = self.from_start && self.after.is_none() && !lines.is_empty();
        let lost = if first { queue.log_trimmed(self.id).await? } else { 0 };
        let gap = gap || record.created_at != self.created_at;
        let whole = lines.len() < PAGE;
        self.after = match lines.last() {
            Some(line) => Some(line.id),
            None if gap => queue.log_tail(self.id, 1).await?.last().map(|line| line.id),
            None => self.after,
        };
        self.created_at = record.created_at;
        let pause = if std::mem::take(&mut self.woken) || !lines.is_empty() { LOOK_AFTER } else { LOOK_ANYWAY };
        (self.due, self.look_at) = (!whole, Instant::now() + pause);
        Ok(Some(Seen { record, from, lines, whole, gap, lost }))
    }
}
