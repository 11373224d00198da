//! How an attempt ended, and what it used.

use serde::{Deserialize, Serialize};

/// Why a job failed: `error.kind` in records and answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The program ended with a code other than 0.
    ExitCode,
    /// A signal that Dayfly did not send ended the program.
    Signal,
    /// The attempt ran past its deadline.
    Timeout,
    /// The kernel ended it for want of memory; only said on evidence.
    Oom,
    /// Its worker died or lost its lease, more often than `lost_retries` allows.
    Lost,
    /// It had not started by its `expires`.
    Expired,
    /// The program could not be started.
    SpawnFailed,
    /// Exit 0, but what it printed is not what the task promises.
    BadOutput,
    /// A warm task's function raised.
    Exception,
    /// A process of its tree could not be killed.
    Unkillable,
}

impl ErrorKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ExitCode,
        Self::Signal,
        Self::Timeout,
        Self::Oom,
        Self::Lost,
        Self::Expired,
        Self::SpawnFailed,
        Self::BadOutput,
        Self::Exception,
        Self::Unkillable,
    ];

    /// The word of records, answers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExitCode => "exit_code",
            Self::Signal => "signal",
            Self::Timeout => "timeout",
            Self::Oom => "oom",
            Self::Lost => "lost",
            Self::Expired => "expired",
            Self::SpawnFailed => "spawn_failed",
            Self::BadOutput => "bad_output",
            Self::Exception => "exception",
            Self::Unkillable => "unkillable",
        }
    }
}

/// What made Dayfly end an attempt; absent when the program ended by itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KilledBy {
    /// Its `timeout` was over.
    Deadline,
    /// Somebody asked.
    Cancel,
    /// Its lease could not be renewed in time, or was lost.
    Lease,
    /// Its worker shut down.
    Drain,
    /// It went over a limit of its task.
    Limit,
}

impl KilledBy {
    /// The word of records, answers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Cancel => "cancel",
            Self::Lease => "lease",
            Self::Drain => "drain",
            Self::Limit => "limit",
        }
    }
}

/// The `error` of a failed job. Absent parts are left out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobError {
    /// The reason, for programs.
    pub kind: ErrorKind,
    /// The reason, for people.
    pub message: String,
    /// The code the program ended with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exit_code: Option<i32>,
    /// The signal that ended the program, by name (`SIGKILL`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signal: Option<String>,
    /// Whether another attempt may go better; a retry still needs `retries` left.
    #[serde(default)]
    pub retryable: bool,
    /// The last lines of standard error, at most 2 KiB.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub stderr_tail: String,
}

/// What an attempt's whole process tree used (`getrusage(2)` of all its reaped processes).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    /// From the program's start to the last process gone, ms.
    pub wall_ms: u64,
    /// User and system CPU time, ms.
    pub cpu_ms: u64,
    /// The largest resident set of any one process, bytes.
    pub max_rss_bytes: u64,
    /// Context switches in which a process waited for something.
    #[serde(default)]
    pub voluntary_switches: u64,
    /// Context switches in which a process was made to wait.
    #[serde(default)]
    pub involuntary_switches: u64,
}

/// How an attempt ended, as its worker reports it to the queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Exit 0.
    Succeeded {
        /// What the program printed, byte by byte.
        result: Vec<u8>,
        /// The result's media type: `application/json`, `text/plain; charset=utf-8` or `application/octet-stream`.
        content_type: &'static str,
        /// Output beyond `max_result` was cut off.
        truncated: bool,
    },
    /// Ended badly.
    Failed(JobError),
    /// Ended because of a cancel. The queue stores `cancelled` without an error.
    Cancelled,
    /// Ended or never started through no fault of its own: its worker shut down, or Redis was away. Queued again, free.
    Drained,
    /// Its slot process died under it, so nothing can be said of how it ended. Spends `lost_retries`, as a dead worker does.
    Lost,
}

impl Outcome {
    /// The word of attempts and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "succeeded",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
            Self::Drained => "drained",
            Self::Lost => "lost",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_records() {
        for kind in ErrorKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for by in [KilledBy::Deadline, KilledBy::Cancel, KilledBy::Lease, KilledBy::Drain, KilledBy::Limit] {
            assert_eq!(serde_json::to_value(by).unwrap(), by.as_str());
        }
    }
}
