//! Submit: a job into its queue, once.

use super::{Queue, QueueError, call::absent_or, reply::Items};
use crate::model::{JobId, State, TaskName};
use bytes::Bytes;
use redis::{Cmd, Value};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt::Write as _};

/// What a client asks for, checked. Absent options take the task's defaults at the worker.
#[derive(Debug, Clone)]
pub struct Submit {
    /// The job's id.
    pub id: JobId,
    /// The task, whose queue it joins.
    pub task: TaskName,
    /// Standard input of the program, byte by byte.
    pub input: Bytes,
    /// 0 (most urgent) to 9; 5 is the default.
    pub priority: u8,
    /// Not before this long from now, ms. 0: at once.
    pub delay_ms: u64,
    /// Deadline of an attempt, ms, when the client asked for one.
    pub timeout_ms: Option<u64>,
    /// Must have started within this long of now, ms.
    pub expires_ms: Option<u64>,
    /// Retries, when the client asked for them.
    pub retries: Option<u32>,
    /// Kept this long after its end, ms, when the client asked for it.
    pub retention_ms: Option<u64>,
    /// The task's bound on waiting jobs.
    pub max_queued: Option<u64>,
    /// Whether a client may bring this id again (idempotency key, own id): stores a fingerprint of the request to tell
    /// a repetition from a conflict, and keeps the record for at least 24 hours.
    pub repeatable: bool,
    /// W3C `traceparent`, handed to the program.
    pub trace: Option<String>,
    /// Whose it is; empty for everybody's.
    pub owner: String,
    /// Names and values of the client's own, to find it by.
    pub labels: BTreeMap<String, String>,
    /// What only one live job of the owner may hold.
    pub unique: Option<String>,
    /// The job whose repetition this is.
    pub retry_of: Option<JobId>,
}

/// What became of a submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// A new job; its state is queued or scheduled.
    Created(State),
    /// The same request was accepted before.
    Exists,
    /// The id is taken by another request.
    Conflict,
    /// Another live job of the owner, this one, holds the unique key.
    NotUnique(JobId),
    /// The task's queue is full: waiting jobs now.
    Full(u64),
    /// Its owner has as many waiting jobs as its quota allows.
    OwnerFull {
        /// Jobs of the owner that wait.
        waiting: u64,
        /// The most there may be.
        most: u64,
    },
    /// Its owner submits more often than its quota allows.
    RateLimited {
        /// When it would be taken, ms from now.
        retry_ms: u64,
    },
    /// The same request was accepted before, and its job has been deleted.
    Deleted,
}

/// What became of a submit, with the `created_at` of a new job's record.
pub type Accepted = (Submitted, Option<i64>);

impl Submit {
    /// What tells a repetition from another request under the same id: the task and the input. Options are left out, for some of
    /// them are relative to the time of the request, and a repetition comes later.
    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.task.as_str().as_bytes());
        hash.update(b"\0");
        hash.update(&self.input);
        hash.finalize()[..16].iter().fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl Queue {
    /// Stores a job and puts it in its queue. Sending it again is safe for the same `id`: the second gives `Exists`.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn submit(&self, job: &Submit) -> Result<Submitted, QueueError> {
        self.submit_timed(job).await.map(|(submitted, _)| submitted)
    }

    /// As [`Queue::submit`], with the `created_at` of a new job's record: ms since the epoch by the server's clock.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn submit_timed(&self, job: &Submit) -> Result<Accepted, QueueError> {
        read(self.ask_one_replicated(self.submitting(job)).await?)
    }

    /// Submits several in one round trip; each is accepted or refused for itself, in order, with what
    /// [`Queue::submit_timed`] would say. Sending them again is safe for the same ids.
    ///
    /// # Errors
    /// For all of them: no answer. For one of them: the server refused it, or too few replicas have it.
    pub async fn submit_each<'a>(
        &self,
        jobs: impl Iterator<Item = &'a Submit>,
    ) -> Result<Vec<Result<Accepted, QueueError>>, QueueError> {
        let calls: Vec<Cmd> = jobs.map(|job| self.submitting(job)).collect();
        let sent = calls.len();
        let answers = self.ask_each_replicated(calls).await?;
        if answers.len() != sent {
            return Err(QueueError::Garbled(format!("{} answers to {sent} submits", answers.len())));
        }
        Ok(answers.into_iter().map(|answer| read(answer?)).collect())
    }

    fn submitting(&self, job: &Submit) -> Cmd {
        let mut call = self.function("dayfly_submit");
        call.arg(job.id.to_string()).arg(job.task.as_str()).arg(&job.input[..]).arg(job.priority).arg(job.delay_ms);
        for option in [job.timeout_ms, job.expires_ms, job.retries.map(u64::from), job.retention_ms, job.max_queued] {
            call.arg(absent_or(option));
        }
        call.arg(if job.repeatable { job.fingerprint() } else { String::new() });
        call.arg(job.trace.as_deref().unwrap_or_default());
        // Most jobs have none of these: a shorter call.
        if !job.owner.is_empty() || !job.labels.is_empty() || job.unique.is_some() || job.retry_of.is_some() {
            let labels = (!job.labels.is_empty()).then(|| serde_json::to_string(&job.labels).unwrap_or_default());
            call.arg(&job.owner).arg(labels.unwrap_or_default());
            call.arg(job.unique.as_deref().unwrap_or_default());
            call.arg(job.retry_of.map(|id| id.to_string()).unwrap_or_default());
        }
        call
    }
}

fn read(answer: Value) -> Result<Accepted, QueueError> {
    let mut answer = Items::of(answer)?;
    let word = answer.text()?;
    read_submitted("dayfly_submit", &word, &mut answer)
}

/// What `function` answered in the words of a submit; with the `created_at` of a new job.
pub(super) fn read_submitted(function: &str, word: &str, answer: &mut Items) -> Result<Accepted, QueueError> {
    match word {
        "created" => Ok((Submitted::Created(answer.parsed()?), answer.maybe_parsed()?)),
        "exists" => Ok((Submitted::Exists, None)),
        "conflict" => Ok((Submitted::Conflict, None)),
        "not_unique" => Ok((Submitted::NotUnique(answer.parsed()?), None)),
        "full" => Ok((Submitted::Full(answer.parsed()?), None)),
        "owner_full" => Ok((Submitted::OwnerFull { waiting: answer.parsed()?, most: answer.parsed()? }, None)),
        "limited" => Ok((Submitted::RateLimited { retry_ms: answer.parsed()? }, None)),
        "deleted" => Ok((Submitted::Deleted, None)),
        other => Err(QueueError::Garbled(format!("{function} answered `{other}`"))),
    }
}
