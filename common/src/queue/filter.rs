//! Which jobs a list holds.

use super::JobRecord;
use crate::model::{ErrorKind, State, TaskName};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt::Write as _};

/// Which jobs a list holds: those that everything said here is true of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Only this state.
    pub state: Option<State>,
    /// Only jobs that have ended, or that have not.
    pub ended: Option<bool>,
    /// Only jobs of this owner.
    pub owner: Option<String>,
    /// Only this task.
    pub task: Option<TaskName>,
    /// Only jobs that this worker runs or ran last.
    pub worker: Option<String>,
    /// Only jobs that failed in this way.
    pub error_kind: Option<ErrorKind>,
    /// Only jobs that have all of these labels.
    pub labels: BTreeMap<String, String>,
    /// Only jobs submitted then or later, ms since the epoch.
    pub since: Option<i64>,
    /// Only jobs submitted before, ms since the epoch.
    pub until: Option<i64>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// At most this many, 1 to 500.
    pub limit: usize,
}

impl ListFilter {
    /// Whether a job in this state may be meant at all.
    pub(super) fn wants(&self, state: State) -> bool {
        self.state.is_none_or(|only| only == state)
            && self.ended.is_none_or(|ended| ended == state.is_terminal())
            && (self.error_kind.is_none() || state == State::Failed)
    }

    /// Whether the job is meant.
    pub(super) fn admits(&self, record: &JobRecord) -> bool {
        self.wants(record.state)
            && self.owner.as_ref().is_none_or(|only| *only == record.owner)
            && self.task.as_ref().is_none_or(|only| *only == record.task)
            && self.worker.as_ref().is_none_or(|only| record.worker.as_ref() == Some(only))
            && self.error_kind.is_none_or(|only| record.error.as_ref().is_some_and(|error| error.kind == only))
            && self.labels.iter().all(|(name, value)| record.labels.get(name) == Some(value))
            && self.since.is_none_or(|since| record.created_at >= since)
            && self.until.is_none_or(|until| record.created_at < until)
    }

    /// Whether records of an index may be passed over, so that more of them are read at once.
    pub(super) fn is_narrow(&self) -> bool {
        self.owner.is_some()
            || self.task.is_some()
            || self.worker.is_some()
            || self.error_kind.is_some()
            || !self.labels.is_empty()
            || self.since.is_some()
            || self.until.is_some()
    }

    /// What binds a cursor to the list it came from: 8 hex digits. The size of a page may change on the way.
    pub(super) fn fingerprint(&self) -> String {
        let Self { state, ended, owner, task, worker, error_kind, labels, since, until, cursor: _, limit: _ } = self;
        let meant = format!("{:?}", (state, ended, owner, task, worker, error_kind, labels, since, until));
        Sha256::digest(meant)[..4].iter().fold(String::with_capacity(8), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
