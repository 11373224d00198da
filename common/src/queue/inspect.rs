//! Reading one job. Writes nothing but a settled cancel.

use super::{
    AttemptRecord, JobRecord, Queue, QueueError,
    reply::{Items, pairs},
};
use crate::model::JobId;
use bytes::Bytes;
use redis::Value;
use std::time::{Duration, Instant};

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
    /// As many jobs of its owner run as may (`max_running`): it waits until one of them ends, behind all that may run.
    pub parked: bool,
    /// When it may start, ms since the epoch, where somebody has estimated that.
    pub estimated_start_at: Option<i64>,
    /// Workers that serve its task now.
    pub live_workers: u64,
}

impl Queue {
    /// The job, or `None`. Settles a cancel key set by hand on a waiting job.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn job(&self, id: JobId) -> Result<Option<JobView>, QueueError> {
        match self.read_job(id).await? {
            Some((_, true)) => {
                // To read a job takes no replicas.
                self.ask(self.cancel_call(id, None, None)).await?;
                Ok(self.read_job(id).await?.map(|(view, _)| view))
            }
            read => Ok(read.map(|(view, _)| view)),
        }
    }

    /// The job, and whether a cancel key waits to be settled.
    async fn read_job(&self, id: JobId) -> Result<Option<(JobView, bool)>, QueueError> {
        let mut call = self.reading("dayfly_job");
        call.arg(id.to_string());
        let answer = self.ask(call).await?;
        if answer == Value::Nil {
            return Ok(None);
        }
        let mut items = Items::of(answer)?;
        let mut view = JobView {
            record: JobRecord::read(id, pairs(items.value())?)?,
            input: items.maybe_bytes()?.map(Bytes::from),
            result: items.maybe_bytes()?.map(Bytes::from),
            attempts: read_attempts(items.value())?,
            queue_position: items.maybe_parsed()?,
            estimated_start_at: None,
            live_workers: items.parsed()?,
            parked: false,
        };
        let unsettled = items.flag()?;
        view.parked = items.flag()?;
        Ok(Some((view, unsettled)))
    }

    /// Whether the server answers and holds the library; its round-trip time.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn ping(&self) -> Result<Duration, QueueError> {
        let sent = Instant::now();
        self.ask(self.reading("dayfly_version")).await?;
        Ok(sent.elapsed())
    }
}

/// A line that cannot be read (a later revision's kind of error) is left out rather than hiding the job.
fn read_attempts(answer: Value) -> Result<Vec<AttemptRecord>, QueueError> {
    let mut attempts = Vec::new();
    for line in Items::of(answer)?.rest() {
        let Value::BulkString(line) = line else { continue };
        match serde_json::from_slice(&line) {
            Ok(attempt) => attempts.push(attempt),
            Err(error) => tracing::warn!(%error, "an attempt's line cannot be read"),
        }
    }
    Ok(attempts)
}
