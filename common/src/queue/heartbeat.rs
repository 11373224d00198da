//! Heartbeat: every second, one call: leases extended, verdicts heard, presence shown.

use super::{Queue, QueueError, reply::Items};
use crate::model::{Fence, JobId};
use redis::Value;
use serde::{Deserialize, Serialize};

/// A job a worker holds.
#[derive(Debug, Clone)]
pub struct Held {
    /// The job.
    pub id: JobId,
    /// Proof of the claim.
    pub fence: Fence,
}

/// What others may know about a worker: a JSON in its presence, `worker:<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// `<name>-<8 hex>`.
    pub id: String,
    /// Its name, the host's by default.
    pub name: String,
    /// The host it runs on.
    pub host: String,
    /// The daemon's pid.
    pub pid: u32,
    /// Dayfly's version.
    pub version: String,
    /// Slots it has.
    pub slots: u32,
    /// Slots in use.
    pub busy: u32,
    /// The tasks it serves.
    pub tasks: Vec<String>,
    /// Takes no further jobs.
    pub draining: bool,
    /// How job trees are ended here: `pidns` or `tree`.
    pub isolation: String,
    /// What holds the limits of its jobs.
    #[serde(default)]
    pub limits: LimitHolders,
    /// When it started, ms since the epoch.
    pub started_at: i64,
    /// What the memory of its jobs may come to together, bytes; `None`: no bound.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub memory: Option<u64>,
    /// What the memory of its jobs comes to, bytes, by what their tasks declare; `None` without a bound.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub memory_used: Option<u64>,
}

/// What holds each kind of limit on a worker's host: `cgroup v2`, `cgroup v1`, or `slot`, which looks at its tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitHolders {
    /// `memory`.
    pub memory: String,
    /// `nproc`.
    pub nproc: String,
    /// `cpus`.
    pub cpus: String,
}

/// One heartbeat.
#[derive(Debug, Clone)]
pub struct Beat {
    /// Who beats.
    pub presence: Presence,
    /// What it holds.
    pub held: Vec<Held>,
    /// The lease, ms, from now.
    pub ttl_ms: u64,
}

/// What a heartbeat says of one held job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Extended.
    Ok,
    /// Extended, and a cancel is asked.
    Cancel {
        /// A grace shorter than the task's, ms.
        grace_ms: Option<u64>,
    },
    /// No longer this worker's: end it and report nothing.
    Lost,
}

/// The answer to a [`Beat`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BeatReply {
    /// One per held job, in order.
    pub verdicts: Vec<Verdict>,
    /// An operator asked this worker to drain.
    pub drain: bool,
    /// The name of the data, as of [`Queue::sweep`].
    pub born: String,
}

impl Queue {
    /// Extends the leases and hears what is to be done. Runs a sweep when none ran for a second.
    ///
    /// # Errors
    /// See [`QueueError`]; then nothing is known to be extended.
    pub async fn heartbeat(&self, beat: &Beat) -> Result<BeatReply, QueueError> {
        let presence = serde_json::to_string(&beat.presence).map_err(|error| QueueError::Garbled(error.to_string()))?;
        let held = beat.held.iter().map(|held| format!("{}/{}", held.id, held.fence)).collect::<Vec<_>>().join(",");
        let mut call = self.function("dayfly_heartbeat");
        call.arg(&beat.presence.id).arg(beat.ttl_ms).arg(presence).arg(beat.presence.tasks.join(",")).arg(held);
        call.arg(self.wait_replicas);
        let mut answer = Items::of(self.ask_one_replicated(call).await?)?;
        let verdicts = Items::of(answer.value())?.rest().map(read_verdict).collect::<Result<Vec<_>, _>>()?;
        if verdicts.len() != beat.held.len() {
            return Err(QueueError::Garbled(format!("{} verdicts for {} jobs", verdicts.len(), beat.held.len())));
        }
        Ok(BeatReply { verdicts, drain: answer.flag()?, born: answer.text()? })
    }

    /// Takes a worker's presence away: it has shut down and holds nothing.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn depart(&self, worker: &str) -> Result<(), QueueError> {
        let mut call = self.function("dayfly_depart");
        call.arg(worker);
        self.ask(call).await.map(drop)
    }
}

fn read_verdict(answer: Value) -> Result<Verdict, QueueError> {
    let mut items = Items::of(answer)?;
    match items.text()?.as_str() {
        "ok" => Ok(Verdict::Ok),
        "cancel" => Ok(Verdict::Cancel { grace_ms: items.maybe_parsed()? }),
        "lost" => Ok(Verdict::Lost),
        other => Err(QueueError::Garbled(format!("dayfly_heartbeat answered `{other}`"))),
    }
}
