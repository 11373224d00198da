//! Parameters and refusals that several operations share.

use crate::{
    error::Code,
    openapi::{Param, examples},
};
use serde_json::{Value, json};

/// Why a path's variable part cannot be read.
const BAD_PATH: &str = "the path is not UTF-8 when its `%XX` are read";

/// Refusals of what a body holds.
pub(super) const OF_A_BODY: [(Code, &str); 4] = [
    (Code::MalformedJson, "the body is not JSON, or nested more than 100 deep"),
    (Code::MalformedForm, "the body calls itself a form and is none"),
    (
        Code::TooLarge,
        "the body, or a part of it, is larger than what this server takes; the detail says how much that is",
    ),
    (Code::UnsupportedMediaType, "the body is neither JSON nor a form; `Accept-Post` lists what is taken"),
];

/// Refusals of a job's id.
pub(super) const OF_AN_ID: [(Code, &str); 3] = [
    (Code::BadId, "the id is not a UUID"),
    (Code::NotFound, BAD_PATH),
    (Code::UnknownJob, "there is no such job, or it is no longer kept"),
];

/// Refusals of a task's name.
pub(super) const OF_A_TASK: [(Code, &str); 2] =
    [(Code::UnknownTask, "there is no such task; the detail names the nearest"), (Code::NotFound, BAD_PATH)];

/// `{id}` of a job.
pub(super) fn job_id() -> Param {
    Param::path("id", "The job's id.", json!({ "type": "string", "format": "uuid" }), examples::JOB.into())
}

/// `{task}`
pub(super) fn task_name() -> Param {
    let schema =
        json!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*$" });
    Param::path("task", "The task's name.", schema, examples::TASK.into())
}

/// `Prefer: wait=N`
pub(super) fn prefer() -> Param {
    let about = "`wait=N`: answer when the job has ended, or after N seconds (at most `max_wait`, 60 by default), whichever \
                 comes first. The job itself does not care: a client that goes away ends nothing.";
    Param::header("Prefer", about, json!({ "type": "string" }), "wait=10".into())
}

/// `If-None-Match`
pub(super) fn if_none_match() -> Param {
    let about = "The `ETag` of an earlier answer: 304 when nothing has changed since.";
    Param::header("If-None-Match", about, json!({ "type": "string" }), "\"0f1e2d3c4b5a6978\"".into())
}

/// `Idempotency-Key`
pub(super) fn idempotency_key() -> Param {
    let about =
        "Makes sending again safe: the same key and request give the same job. 1 to 255 characters, such as a UUID.";
    let schema = json!({ "type": "string", "minLength": 1, "maxLength": 255 });
    Param::header("Idempotency-Key", about, schema, "5d9c68c6-c50e-4a3b-9a6e-0a1c2d3e4f50".into())
}

/// `traceparent`
pub(super) fn traceparent() -> Param {
    let about = "W3C trace context, handed to the job's program. One that is malformed is ignored.";
    let example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    Param::header("traceparent", about, json!({ "type": "string" }), example.into())
}

fn duration() -> Value {
    json!({ "type": "string", "pattern": "^([0-9]+(ms|s|m|h|d))+$" })
}

/// Options of a submit, and its headers.
pub(super) fn of_submit() -> Vec<Param> {
    let number = |least: u64, most: u64| json!({ "type": "integer", "minimum": least, "maximum": most });
    let query = Param::query;
    vec![
        query(
            "timeout",
            "Longest run; at most the task's `max_timeout`. A duration has a unit: 250ms, 30s, 10m, 2h, 7d.",
            duration(),
            "30s".into(),
        )
        .shown(),
        query("delay", "Start this much later.", duration(), "10m".into()),
        query(
            "at",
            "Start then: an RFC 3339 time, at most ten years ahead. Not with `delay`.",
            json!({ "type": "string", "format": "date-time" }),
            "2030-01-01T00:00:00Z".into(),
        ),
        query("priority", "0 is taken first, 9 last; 5 by default.", number(0, 9), 2.into()),
        query("retries", "Further runs after failures of its own.", number(0, 1000), 3.into()),
        query("expires", "It must have started within this time, else it fails as `expired`.", duration(), "1h".into()),
        query("retention", "How long it is kept after its end.", duration(), "1d".into()),
        query(
            "label",
            "`name:value`, to find it by; may be given up to 16 times.",
            json!({ "type": "array", "maxItems": 16, "items": { "type": "string", "pattern": "^[A-Za-z0-9._/-]{1,63}:" } }),
            json!(["team:blue"]),
        ),
        query(
            "unique",
            "A key that only one live job of an owner may hold: 409 `not_unique` while another does.",
            json!({ "type": "string", "minLength": 1, "maxLength": 200 }),
            "nightly-report".into(),
        ),
        prefer(),
        idempotency_key(),
        traceparent(),
    ]
}
