//! Claim: the next jobs a worker may run.

use super::{Queue, QueueError, call::absent_or, reply::Items};
use crate::model::{Fence, JobId, Nonce, TaskName};
use bytes::Bytes;
use redis::{Cmd, Value};
use serde::Serialize;

/// A task a worker asks for, with what the function needs of its definition.
#[derive(Debug, Clone, Serialize)]
pub struct AskTask {
    /// The task.
    pub name: TaskName,
    /// Deadline when the job names none, ms; the function writes `deadline_at` from it.
    pub timeout_ms: u64,
    /// Further runs after a lost lease; the record keeps it for the sweep that finds the lease expired.
    pub lost_retries: u32,
    /// Memory a job of it may take, bytes; counted against [`Ask::memory_left`].
    #[serde(skip_serializing_if = "is_zero")]
    pub memory: u64,
}

/// A request for as many jobs as there are nonces.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The worker's id.
    pub worker: String,
    /// One nonce per free slot. Asking again with the same nonce gives the same job again.
    pub nonces: Vec<Nonce>,
    /// The tasks it serves, in the order in which equal priorities take turns; the caller rotates it.
    pub tasks: Vec<AskTask>,
    /// The lease, ms.
    pub ttl_ms: u64,
    /// What the memory of all claims together may come to, bytes; `None`: no bound. A task that does not fit is passed over.
    pub memory_left: Option<u64>,
}

/// The right to run one attempt. It cannot be cloned, and `finish` or `release` consumes it.
#[derive(Debug)]
pub struct Claim {
    /// The job.
    pub id: JobId,
    /// Its task.
    pub task: TaskName,
    /// Proof of this claim.
    pub fence: Fence,
    /// The job's input.
    pub input: Bytes,
    /// Deadline of this attempt, ms from its start.
    pub timeout_ms: u64,
    /// Retries the client asked for; the task's own number otherwise.
    pub retries: Option<u32>,
    /// The job's own failures so far.
    pub failures: u32,
    /// W3C `traceparent`.
    pub trace: Option<String>,
    /// When the lease was given, server time, ms.
    pub started_at: i64,
    /// When it could first run, server time, ms; `None` from a library that does not say.
    pub ready_at: Option<i64>,
}

impl Claim {
    /// From the time it could run to this claim, ms; `None` for a job that comes back from another attempt without a failure
    /// of its own, which kept its place in the queue while it ran.
    #[must_use]
    pub fn waited_ms(&self) -> Option<u64> {
        let came_back = self.fence.attempt != self.failures + 1;
        let waited = self.started_at.saturating_sub(self.ready_at?);
        (!came_back).then(|| u64::try_from(waited).unwrap_or(0))
    }
}

/// The answer to an [`Ask`].
#[derive(Debug, Default)]
pub struct Claimed {
    /// At most as many as nonces.
    pub claims: Vec<Claim>,
    /// Ms until the next delayed or expiring job of any task falls due, when there is one.
    pub next_due_ms: Option<u64>,
    /// The function stopped at one of its bounds; ask again at once.
    pub more: bool,
    /// Jobs wait that did not fit into [`Ask::memory_left`]: what the smallest of their tasks needs, bytes.
    pub short_of: Option<u64>,
}

impl Queue {
    /// Takes up to `ask.nonces.len()` jobs.
    ///
    /// # Errors
    /// See [`QueueError`]. After any of them the caller must repeat the same nonces or `release` them.
    pub async fn claim(&self, ask: &Ask) -> Result<Claimed, QueueError> {
        let answer = self.ask_one_replicated(self.claim_call(ask)?).await?;
        read_claimed(answer)
    }

    /// The call alone, for a pipeline.
    pub(super) fn claim_call(&self, ask: &Ask) -> Result<Cmd, QueueError> {
        let tasks = serde_json::to_string(&ask.tasks).map_err(|error| QueueError::Garbled(error.to_string()))?;
        let mut call = self.function("dayfly_claim");
        call.arg(&ask.worker).arg(ask.ttl_ms).arg(joined(&ask.nonces)).arg(tasks);
        call.arg(absent_or(ask.memory_left));
        Ok(call)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

/// Nonces as the functions take them.
pub(super) fn joined(nonces: &[Nonce]) -> String {
    nonces.iter().map(Nonce::as_str).collect::<Vec<_>>().join(",")
}

pub(super) fn read_claimed(answer: Value) -> Result<Claimed, QueueError> {
    let mut items = Items::of(answer)?;
    let claims = Items::of(items.value())?.rest().map(read_claim).collect::<Result<_, _>>()?;
    Ok(Claimed { claims, next_due_ms: items.maybe_parsed()?, more: items.flag()?, short_of: items.maybe_parsed()? })
}

fn read_claim(answer: Value) -> Result<Claim, QueueError> {
    let mut items = Items::of(answer)?;
    Ok(Claim {
        id: items.parsed()?,
        task: items.parsed()?,
        fence: items.parsed()?,
        input: items.maybe_bytes()?.unwrap_or_default().into(),
        timeout_ms: items.parsed()?,
        retries: items.maybe_parsed()?,
        failures: items.parsed()?,
        trace: items.maybe_parsed()?,
        started_at: items.parsed()?,
        ready_at: items.maybe_parsed()?,
    })
}
