//! A job as the API tells it, as far as commands look at it.

use super::{Exit, http::Answer, term::clean};
use crate::failure::Failure;
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// Reads an answer's JSON.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    parse(&answer.body)
}

/// Reads JSON that the API sent.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let odd =
        |why| Exit::Error.because(format_args!("the API's answer is not understood ({why}): is it another version?"));
    serde_json::from_slice(bytes).map_err(odd)
}

/// The members that every command may need; times are RFC 3339.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) task: String,
    pub(super) state: String,
    pub(super) priority: u8,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    pub(super) progress: Option<Progress>,
    pub(super) created_at: String,
    pub(super) started_at: Option<String>,
    pub(super) finished_at: Option<String>,
    pub(super) deadline_at: Option<String>,
    pub(super) estimated_start_at: Option<String>,
    pub(super) queue_position: Option<u64>,
    pub(super) cancel_requested_at: Option<String>,
    pub(super) cancel_reason: Option<String>,
    pub(super) attempt: u32,
    pub(super) max_attempts: Option<u32>,
    pub(super) worker: Option<WorkerOfJob>,
    pub(super) error: Option<JobError>,
    pub(super) result_bytes: Option<u64>,
    pub(super) result_type: Option<String>,
    pub(super) retry_of: Option<String>,
    #[serde(default)]
    pub(super) warnings: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Progress {
    pub(super) fraction: Option<f64>,
    pub(super) message: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct WorkerOfJob {
    pub(super) id: String,
    pub(super) pid: Option<i32>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct JobError {
    pub(super) kind: String,
    pub(super) message: String,
    #[serde(default)]
    pub(super) stderr_tail: String,
}

impl Job {
    /// Nothing about it changes any more.
    pub(super) fn has_ended(&self) -> bool {
        ["succeeded", "failed", "cancelled"].contains(&self.state.as_str())
    }

    /// How its end ends a command that waited for it; `Ok` when it succeeded. `tail` tells the end of its stderr too.
    pub(super) fn outcome(&self, tail: bool) -> Result<(), Failure> {
        match self.state.as_str() {
            "failed" => Err(Exit::JobFailed.because(self.failure(tail))),
            "cancelled" => {
                let reason = self.cancel_reason.as_deref().map(|reason| format!(": {}", clean(reason)));
                Err(Exit::Cancelled.because(format_args!(
                    "job {} was cancelled{}",
                    self.id,
                    reason.unwrap_or_default()
                )))
            }
            _ => Ok(()),
        }
    }

    fn failure(&self, tail: bool) -> String {
        let Some(error) = &self.error else { return format!("job {} failed", self.id) };
        let mut text = format!("job {} failed ({}): {}", self.id, clean(&error.kind), clean(&error.message));
        for line in error.stderr_tail.lines().filter(|_| tail) {
            text.push_str("\n  ");
            text.push_str(&clean(line));
        }
        text
    }
}
