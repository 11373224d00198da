//! A job's record as Redis holds it, read into types.

use super::{QueueError, reply::parsed};
use crate::model::{Fence, JobError, JobId, KilledBy, State, TaskName, Usage};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr,
};

/// How far a job says it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fraction: Option<f64>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
}

/// One ended attempt, as the `attempts` list keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// 1 for the first.
    pub attempt: u32,
    /// `succeeded`, `failed`, `cancelled`, `drained` or `lost`.
    pub outcome: String,
    /// The worker that ran it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub worker: Option<String>,
    /// Ms since the epoch.
    pub started_at: i64,
    /// Ms since the epoch.
    pub ended_at: i64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<JobError>,
    /// What it used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub usage: Option<Usage>,
    /// What made Dayfly end it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub killed_by: Option<KilledBy>,
}

/// A record. Times in ms since the epoch, server time.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecord {
    /// Its id.
    pub id: JobId,
    /// Its task.
    pub task: TaskName,
    /// Where it stands.
    pub state: State,
    /// 0 (most urgent) to 9.
    pub priority: u8,
    /// Runs begun.
    pub attempt: u32,
    /// Its own failures.
    pub failures: u32,
    /// Runs whose worker died.
    pub lost: u32,
    /// When it was submitted.
    pub created_at: i64,
    /// When it could first run; for a scheduled job, when it may.
    pub ready_at: i64,
    /// When the last attempt began.
    pub started_at: Option<i64>,
    /// When it ended for good.
    pub finished_at: Option<i64>,
    /// Deadline of the running attempt.
    pub deadline_at: Option<i64>,
    /// Lease expiry of the running attempt.
    pub lease: Option<i64>,
    /// Must have started by then.
    pub expires_at: Option<i64>,
    /// Timeout the client asked for, ms.
    pub timeout_ms: Option<u64>,
    /// Retries the client asked for.
    pub retries: Option<u32>,
    /// Retention the client asked for, ms.
    pub retention_ms: Option<u64>,
    /// The worker that runs or ran it last.
    pub worker: Option<String>,
    /// The leader's pid as that worker's host sees it.
    pub pid: Option<i32>,
    /// Fence of the last claim.
    pub fence: Option<Fence>,
    /// How far it says it is.
    pub progress: Option<Progress>,
    /// Why it failed.
    pub error: Option<JobError>,
    /// What the last attempt used.
    pub usage: Option<Usage>,
    /// What made Dayfly end the last attempt.
    pub killed_by: Option<KilledBy>,
    /// From the first signal to the last process gone, ms.
    pub kill_ms: Option<u64>,
    /// When a cancel was asked.
    pub cancel_requested_at: Option<i64>,
    /// Why.
    pub cancel_reason: Option<String>,
    /// Media type of the result.
    pub result_type: Option<String>,
    /// Result's size, bytes.
    pub result_bytes: Option<u64>,
    /// Output beyond a cap was cut off.
    pub truncated: bool,
    /// W3C `traceparent`.
    pub trace: Option<String>,
    /// Whose it is; empty for everybody's.
    pub owner: String,
    /// Names and values of the client's own.
    pub labels: BTreeMap<String, String>,
    /// What only one live job of the owner may hold.
    pub unique: Option<String>,
    /// The job whose repetition this is.
    pub retry_of: Option<JobId>,
}

/// The fields of a record as stored, by name.
struct Fields(HashMap<String, String>);

impl Fields {
    fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn maybe<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, QueueError> {
        self.0.remove(name).map(|text| parsed(&text)).transpose()
    }

    fn needed<T: FromStr>(&mut self, name: &str) -> Result<T, QueueError> {
        self.maybe(name)?.ok_or_else(|| QueueError::Garbled(format!("a record without `{name}`")))
    }

    fn json<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, QueueError> {
        let read = |text: String| {
            serde_json::from_str(&text).map_err(|error| QueueError::Garbled(format!("`{name}` of a record: {error}")))
        };
        self.0.remove(name).map(read).transpose()
    }

    /// A word of an enum that serde knows.
    fn word<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, QueueError> {
        let read = |text: String| {
            serde_json::from_value(serde_json::Value::String(text))
                .map_err(|error| QueueError::Garbled(format!("`{name}` of a record: {error}")))
        };
        self.0.remove(name).map(read).transpose()
    }
}

impl JobRecord {
    /// Reads what HGETALL gave. Absent fields have their defaults; unknown ones belong to a later revision.
    pub(super) fn read(id: JobId, stored: Vec<(String, Vec<u8>)>) -> Result<Self, QueueError> {
        let text = |(name, value): (String, Vec<u8>)| (name, String::from_utf8_lossy(&value).into_owned());
        let mut fields = Fields(stored.into_iter().map(text).collect());
        let created_at = fields.needed("created_at")?;
        Ok(Self {
            id,
            task: fields.needed("task")?,
            state: fields.needed("state")?,
            priority: fields.maybe("priority")?.unwrap_or(5),
            attempt: fields.maybe("attempt")?.unwrap_or(0),
            failures: fields.maybe("failures")?.unwrap_or(0),
            lost: fields.maybe("lost")?.unwrap_or(0),
            created_at,
            ready_at: fields.maybe("ready_at")?.unwrap_or(created_at),
            started_at: fields.maybe("started_at")?,
            finished_at: fields.maybe("finished_at")?,
            deadline_at: fields.maybe("deadline_at")?,
            lease: fields.maybe("lease")?,
            expires_at: fields.maybe("expires_at")?,
            timeout_ms: fields.maybe("timeout_ms")?,
            retries: fields.maybe("retries")?,
            retention_ms: fields.maybe("retention_ms")?,
            worker: fields.text("worker"),
            pid: fields.maybe("pid")?,
            fence: fields.maybe("fence")?,
            progress: fields.json("progress")?,
            error: fields.json("error")?,
            usage: fields.json("usage")?,
            killed_by: fields.word("killed_by")?,
            kill_ms: fields.maybe("kill_ms")?,
            cancel_requested_at: fields.maybe("cancel_requested_at")?,
            cancel_reason: fields.text("cancel_reason"),
            result_type: fields.text("result_type"),
            result_bytes: fields.maybe("result_bytes")?,
            truncated: fields.maybe::<u8>("truncated")?.is_some_and(|flag| flag != 0),
            trace: fields.text("trace"),
            owner: fields.text("owner").unwrap_or_default(),
            labels: fields.json("labels")?.unwrap_or_default(),
            unique: fields.text("unique"),
            retry_of: fields.maybe("retry_of")?,
        })
    }
}
