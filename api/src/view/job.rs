//! A job as JSON. Input and result go through as they are stored, digit by digit.

use super::{maybe_time, time};
use crate::catalogue::Task;
use axum::body::Bytes;
use dayfly_common::{
    model::{ErrorKind, JobError, JobId, KilledBy, State, Usage},
    queue::{AttemptRecord, JobRecord, JobView, Progress},
};
use serde::{Serialize, ser::SerializeMap as _};
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap};

/// A job and what is known around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) view: &'a JobView,
    /// Its task, for defaults; absent when nobody defines it any more.
    pub(crate) task: Option<&'a Task>,
    /// For the answer of a task's `route`.
    pub(crate) message: Option<&'static str>,
}

#[derive(Serialize)]
struct JobJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    #[serde(serialize_with = "as_text")]
    id: JobId,
    task: &'a str,
    state: &'static str,
    priority: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Stored<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Stored<'a>>,
    result_type: Option<&'a str>,
    result_bytes: Option<u64>,
    truncated: bool,
    labels: &'a BTreeMap<String, String>,
    progress: Option<ProgressJson<'a>>,
    #[serde(serialize_with = "time")]
    created_at: i64,
    #[serde(serialize_with = "time")]
    ready_at: i64,
    #[serde(serialize_with = "maybe_time")]
    queued_at: Option<i64>,
    #[serde(serialize_with = "maybe_time")]
    started_at: Option<i64>,
    #[serde(serialize_with = "maybe_time")]
    finished_at: Option<i64>,
    #[serde(serialize_with = "maybe_time")]
    deadline_at: Option<i64>,
    #[serde(serialize_with = "maybe_time")]
    expires_at: Option<i64>,
    timeout_ms: Option<u64>,
    queue_position: Option<u64>,
    #[serde(serialize_with = "maybe_time")]
    estimated_start_at: Option<i64>,
    #[serde(serialize_with = "maybe_time")]
    cancel_requested_at: Option<i64>,
    cancel_reason: Option<&'a str>,
    attempt: u32,
    max_attempts: Option<u32>,
    worker: Option<WorkerOfJob<'a>>,
    error: Option<ErrorJson<'a>>,
    usage: Option<Usage>,
    killed_by: Option<KilledBy>,
    kill_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptJson<'a>>>,
    #[serde(serialize_with = "as_maybe_text")]
    retry_of: Option<JobId>,
    live_workers: u64,
    warnings: Vec<Cow<'static, str>>,
    links: Links,
}

/// Stored bytes within a job: JSON as it is, text as a string, anything else null.
enum Stored<'a> {
    Json(&'a RawValue),
    Text(&'a str),
    Null,
}

#[derive(Serialize)]
struct ProgressJson<'a> {
    fraction: Option<f64>,
    message: Option<&'a str>,
}

#[derive(Serialize)]
struct WorkerOfJob<'a> {
    id: &'a str,
    pid: Option<i32>,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    kind: ErrorKind,
    message: &'a str,
    exit_code: Option<i32>,
    signal: Option<&'a str>,
    retryable: bool,
    stderr_tail: &'a str,
}

#[derive(Serialize)]
struct AttemptJson<'a> {
    attempt: u32,
    outcome: &'a str,
    worker: Option<&'a str>,
    #[serde(serialize_with = "time")]
    started_at: i64,
    #[serde(serialize_with = "time")]
    ended_at: i64,
    error: Option<ErrorJson<'a>>,
    usage: Option<Usage>,
    killed_by: Option<KilledBy>,
}

/// Paths of a job's own resources.
struct Links(JobId);

impl Serialize for Stored<'_> {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json(raw) => raw.serialize(out),
            Self::Text(text) => out.serialize_str(text),
            Self::Null => out.serialize_none(),
        }
    }
}

impl Serialize for Links {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let own = format!("/v1/jobs/{}", self.0);
        let mut map = out.serialize_map(Some(5))?;
        map.serialize_entry("self", &own)?;
        for name in ["result", "logs", "events", "cancel"] {
            map.serialize_entry(name, &format_args!("{own}/{name}"))?;
        }
        map.end()
    }
}

fn as_maybe_text<S: serde::Serializer>(id: &Option<JobId>, out: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => out.collect_str(id),
        None => out.serialize_none(),
    }
}

fn as_text<S: serde::Serializer>(id: &JobId, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(id)
}

impl<'a> From<&'a Progress> for ProgressJson<'a> {
    fn from(progress: &'a Progress) -> Self {
        Self { fraction: progress.fraction, message: progress.message.as_deref() }
    }
}

impl<'a> From<&'a JobError> for ErrorJson<'a> {
    fn from(error: &'a JobError) -> Self {
        Self {
            kind: error.kind,
            message: &error.message,
            exit_code: error.exit_code,
            signal: error.signal.as_deref(),
            retryable: error.retryable,
            stderr_tail: &error.stderr_tail,
        }
    }
}

impl<'a> From<&'a AttemptRecord> for AttemptJson<'a> {
    fn from(attempt: &'a AttemptRecord) -> Self {
        Self {
            attempt: attempt.attempt,
            outcome: &attempt.outcome,
            worker: attempt.worker.as_deref(),
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            error: attempt.error.as_ref().map(ErrorJson::from),
            usage: attempt.usage,
            killed_by: attempt.killed_by,
        }
    }
}

/// A whole job.
pub(crate) fn job_json(shown: Shown<'_>) -> Vec<u8> {
    let view = shown.view;
    let mut job = base(&view.record, shown.task, view.live_workers);
    job.message = shown.message;
    job.input = Some(stored(view.input.as_ref(), "application/json"));
    job.result = Some(stored(view.result.as_ref(), view.record.result_type.as_deref().unwrap_or_default()));
    job.queue_position = view.queue_position;
    job.estimated_start_at = view.estimated_start_at;
    if view.parked {
        job.warnings.push(Cow::Borrowed(
            "as many jobs of its owner run as may (`max_running`): the job waits until one of them ends",
        ));
    }
    job.attempts = Some(view.attempts.iter().map(AttemptJson::from).collect());
    serde_json::to_vec(&job).unwrap_or_default()
}

/// A job in a list: without input, result, attempts and place in its queue.
pub(crate) fn list_item(record: &JobRecord, task: Option<&Task>, live_workers: u64) -> Box<RawValue> {
    serde_json::value::to_raw_value(&base(record, task, live_workers)).unwrap_or_default()
}

fn stored<'a>(bytes: Option<&'a Bytes>, kind: &str) -> Stored<'a> {
    let Some(bytes) = bytes else { return Stored::Null };
    if kind.starts_with("application/json") {
        // Checked again: a record may have been written by anyone, and one bad value must not break the answer.
        serde_json::from_slice(bytes).map_or(Stored::Null, Stored::Json)
    } else if kind.starts_with("text/") {
        std::str::from_utf8(bytes).map_or(Stored::Null, Stored::Text)
    } else {
        Stored::Null
    }
}

fn base<'a>(record: &'a JobRecord, task: Option<&'a Task>, live_workers: u64) -> JobJson<'a> {
    let card = task.map(|task| &task.card);
    let retries = record.retries.or(card.map(|card| card.retries));
    JobJson {
        message: None,
        id: record.id,
        task: record.task.as_str(),
        state: record.state.as_str(),
        priority: record.priority,
        input: None,
        result: None,
        result_type: record.result_type.as_deref(),
        result_bytes: record.result_bytes,
        truncated: record.truncated,
        labels: &record.labels,
        progress: record.progress.as_ref().map(ProgressJson::from),
        created_at: record.created_at,
        ready_at: record.ready_at,
        // One that was cancelled while it was scheduled never came into its queue.
        queued_at: Some(record.ready_at)
            .filter(|at| record.state != State::Scheduled && record.finished_at.is_none_or(|end| *at <= end)),
        started_at: record.started_at,
        finished_at: record.finished_at,
        deadline_at: record.deadline_at,
        expires_at: record.expires_at,
        timeout_ms: record.timeout_ms.or(card.map(|card| card.timeout_ms)),
        queue_position: None,
        estimated_start_at: None,
        cancel_requested_at: record.cancel_requested_at,
        cancel_reason: record.cancel_reason.as_deref(),
        attempt: record.attempt,
        max_attempts: retries.map(|retries| retries.saturating_add(1)),
        worker: record.worker.as_deref().map(|id| WorkerOfJob { id, pid: record.pid }),
        error: record.error.as_ref().filter(|_| record.state != State::Cancelled).map(ErrorJson::from),
        usage: record.usage,
        killed_by: record.killed_by,
        kill_ms: record.kill_ms,
        attempts: None,
        retry_of: record.retry_of,
        live_workers,
        warnings: warnings(record, task, live_workers),
        links: Links(record.id),
    }
}

/// What a person should know and no state says.
fn warnings(record: &JobRecord, task: Option<&Task>, live_workers: u64) -> Vec<Cow<'static, str>> {
    let mut warnings = Vec::new();
    let waits = matches!(record.state, State::Queued | State::Scheduled);
    if waits && live_workers == 0 {
        let name = &record.task;
        warnings.push(Cow::Owned(format!("no live worker serves the task `{name}`: the job waits until one comes")));
    }
    if waits && task.is_some_and(|task| task.schema_fault.is_some()) {
        warnings.push(Cow::Borrowed("the task's input schema cannot be used: the input was not checked"));
    }
    if record.truncated {
        warnings.push(Cow::Borrowed("the job's output was larger than the task keeps and was cut off"));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fresh_job;
    use dayfly_common::queue::Submit;
    use serde_json::{Value, json};

    fn view(input: &'static str) -> JobView {
        let job = Submit {
            id: JobId::now(),
            task: "factor".parse().unwrap(),
            input: Bytes::from_static(input.as_bytes()),
            priority: 5,
            delay_ms: 2_000,
            timeout_ms: None,
            expires_ms: Some(60_000),
            retries: Some(2),
            retention_ms: None,
            max_queued: None,
            repeatable: false,
            trace: None,
            owner: String::new(),
            labels: BTreeMap::new(),
            unique: None,
            retry_of: None,
        };
        fresh_job(&job, State::Scheduled, 1_700_000_000_000, 0)
    }

    fn text(view: &JobView) -> String {
        String::from_utf8(job_json(Shown { view, task: None, message: None })).unwrap()
    }

    #[test]
    fn a_job_that_was_cancelled_before_its_time_was_never_queued() {
        let mut view = view("{}");
        view.record.state = State::Cancelled;
        let queued_at = |view: &JobView| serde_json::from_str::<Value>(&text(view)).unwrap()["queued_at"].clone();
        view.record.finished_at = Some(view.record.ready_at - 1);
        assert_eq!(queued_at(&view), Value::Null);
        view.record.finished_at = Some(view.record.ready_at);
        assert_eq!(queued_at(&view), "2023-11-14T22:13:22.000Z");
    }

    #[test]
    fn every_field_is_there() {
        let view = view("{}");
        let job: Value = serde_json::from_str(&text(&view)).unwrap();
        for name in "id task state priority input result labels progress created_at queued_at started_at finished_at \
                     deadline_at expires_at timeout_ms queue_position estimated_start_at cancel_requested_at attempt \
                     max_attempts worker error usage attempts links killed_by kill_ms retry_of warnings cancel_reason \
                     live_workers"
            .split_whitespace()
        {
            assert!(job.get(name).is_some(), "{name}");
        }
        assert_eq!(job["created_at"], "2023-11-14T22:13:20.000Z");
        assert_eq!(job["ready_at"], "2023-11-14T22:13:22.000Z");
        assert_eq!(job["queued_at"], Value::Null);
        assert_eq!(job["expires_at"], "2023-11-14T22:14:20.000Z");
        assert_eq!(job["max_attempts"], 3);
        assert_eq!(job["links"]["result"], format!("/v1/jobs/{}/result", view.record.id));
        assert!(job["warnings"][0].as_str().unwrap().contains("no live worker"));
    }

    #[test]
    fn digits_stay() {
        let mut view = view(r#"{"n":123456789012345678901234567890,"x":1.10}"#);
        view.record.state = State::Succeeded;
        view.record.result_type = Some("application/json".to_owned());
        view.result = Some(Bytes::from_static(b" [0.1000000000000000000001, 1e999]\n"));
        let text = text(&view);
        assert!(text.contains(r#""input":{"n":123456789012345678901234567890,"x":1.10}"#), "{text}");
        assert!(text.contains(r#""result":[0.1000000000000000000001, 1e999]"#), "{text}");
    }

    #[test]
    fn results_are_json_text_or_null() {
        for (kind, bytes, result) in [
            ("text/plain; charset=utf-8", &b"a\"b"[..], json!("a\"b")),
            ("application/octet-stream", b"abc", Value::Null),
            ("application/json", b"{broken", Value::Null),
            ("text/plain; charset=utf-8", b"\xff", Value::Null),
        ] {
            let mut view = view("{}");
            view.record.result_type = Some(kind.to_owned());
            view.result = Some(Bytes::from_static(bytes));
            let job: Value = serde_json::from_str(&text(&view)).unwrap();
            assert_eq!(job["result"], result, "{kind}");
        }
    }

    #[test]
    fn a_list_item_leaves_the_large_parts_out() {
        let view = view("{}");
        let item: Value = serde_json::from_str(list_item(&view.record, None, 1).get()).unwrap();
        for name in ["input", "result", "attempts", "message"] {
            assert!(item.get(name).is_none(), "{name}");
        }
        assert_eq!(item["warnings"], json!([]));
    }
}
