//! Following a job: its record and what is new in its log, in one round trip and without its input and result.

use super::{
    JobRecord, LogLine, Queue, QueueError,
    entry::EntryId,
    log::read_line,
    reply::{Items, pairs, parsed, text},
};
use crate::model::JobId;

/// A job at one moment, and its log from a place on.
#[derive(Debug, Clone)]
pub struct Followed {
    /// The record. When it is terminal, no line comes after those that are there now.
    pub record: JobRecord,
    /// The lines after the place, oldest first.
    pub lines: Vec<LogLine>,
    /// The place is no longer in the log: what came next may be lost (trimmed, or the server lost it).
    pub gap: bool,
}

impl Queue {
    /// A job and the lines of its log after the entry `after` (or from the start), at most `count`; `None` when there is no
    /// such job. A cancel key set by hand is left to [`Queue::job`] and to the audit.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn follow(
        &self,
        id: JobId,
        after: Option<EntryId>,
        count: usize,
    ) -> Result<Option<Followed>, QueueError> {
        let mut record = redis::cmd("HGETALL");
        record.arg(self.keys.job(id));
        // From the place itself on, to see whether it is still there.
        let mut log = redis::cmd("XRANGE");
        log.arg(self.keys.job_log(id)).arg(after.map_or_else(|| "-".to_owned(), |entry| entry.to_string())).arg("+");
        log.arg("COUNT").arg(count.saturating_add(usize::from(after.is_some())));
        // In this order: a record that says "ended" is older than the reading of the lines.
        let mut answers = self.ask_all(vec![record, log]).await?.into_iter();
        let (fields, entries) = (answers.next().unwrap_or_default(), answers.next().unwrap_or_default());
        let fields = pairs(fields)?;
        if fields.is_empty() {
            return Ok(None);
        }
        let record = JobRecord::read(id, fields)?;
        let mut lines = Items::of(entries)?.rest().map(read_line).collect::<Result<Vec<_>, _>>()?;
        let gap = after.is_some_and(|place| {
            let there = lines.first().is_some_and(|line| line.id == place);
            if there {
                lines.remove(0);
            }
            !there
        });
        lines.truncate(count);
        Ok(Some(Followed { record, lines, gap }))
    }

    /// How many lines of a job's log are no longer there because it grew beyond its limit.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn log_trimmed(&self, id: JobId) -> Result<u64, QueueError> {
        self.trimmed(self.keys.job_log(id)).await
    }

    /// How many entries a stream once held and holds no longer; 0 when there is no such stream.
    pub(super) async fn trimmed(&self, stream: String) -> Result<u64, QueueError> {
        let mut ask = redis::cmd("XINFO");
        ask.arg("STREAM").arg(stream);
        let answer = match self.ask(ask).await {
            Ok(answer) => answer,
            Err(QueueError::Refused(said)) if said.contains("no such key") => return Ok(0),
            Err(error) => return Err(error),
        };
        let (mut added, mut length) = (0_u64, 0_u64);
        let mut told = Items::of(answer)?.rest();
        while let (Some(name), Some(value)) = (told.next(), told.next()) {
            match text(name)?.as_str() {
                "entries-added" => added = parsed(&text(value)?)?,
                "length" => length = parsed(&text(value)?)?,
                _ => {}
            }
        }
        Ok(added.saturating_sub(length))
    }
}
