//! What is about to be submitted.

use crate::{
    catalogue::Task,
    error::{Code, Problem},
    extract::SubmitOptions,
};
use axum::body::Bytes;
use dayfly_common::{model::JobId, queue::Submit};
use std::time::{Duration, SystemTime};

/// Where a job has its id from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// Made here: the request can never be repeated.
    Here,
    /// Derived from an idempotency key.
    ByKey(String),
    /// The client's own.
    ByClient(JobId),
}

/// A job, ready to be submitted.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) job: Submit,
    pub(crate) named: Named,
}

impl Named {
    /// The client's own id: a UUID of any version, but not one of those that mean "none".
    pub(crate) fn by_client(id: JobId) -> Result<Self, Problem> {
        if id.is_nil_or_max() {
            let detail =
                format!("{id} stands for no id at all and cannot name a job: make a new UUID, of any version.");
            return Err(Problem::new(Code::BadId, detail));
        }
        Ok(Self::ByClient(id))
    }
}

impl Offer {
    /// A job of `task` for `owner`; `input` and `options` were checked against the task.
    pub(crate) fn new(
        owner: &str,
        task: &Task,
        input: Bytes,
        options: SubmitOptions,
        named: Named,
        trace: Option<String>,
    ) -> Self {
        let id = match &named {
            Named::Here => JobId::now(),
            Named::ByKey(key) => JobId::from_idempotency_key(owner, key),
            Named::ByClient(id) => *id,
        };
        let job = Submit {
            id,
            task: task.card.name.clone(),
            input,
            priority: options.priority,
            delay_ms: options.delay_ms,
            timeout_ms: options.timeout_ms,
            expires_ms: options.expires_ms,
            retries: options.retries,
            retention_ms: options.retention_ms,
            max_queued: task.card.max_queued,
            repeatable: named != Named::Here,
            trace,
            owner: owner.to_owned(),
            labels: options.labels,
            unique: options.unique,
            retry_of: None,
        };
        Self { job, named }
    }
}

/// This process's clock, ms since the epoch.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
