//! Acting on many jobs, forgetting tasks, draining workers.

use super::params::{OF_A_BODY, OF_A_TASK, idempotency_key, task_name};
use crate::{
    error::Code,
    openapi::{Answer, Body, Content, Group, Operation, Param, Scope, examples},
    routes::{actions, drain, forget},
};
use axum::http::Method;
use serde_json::json;

pub(super) fn all() -> Vec<Operation> {
    vec![act(), forget_task(), drain_worker()]
}

fn act() -> Operation {
    let filter = json!({
        "type": "object",
        "description": "Which jobs, by the names that the list takes; one that is empty is refused: `{\"all\": true}`.",
    });
    let asked = json!({
        "type": "object", "required": ["action", "filter"], "additionalProperties": false,
        "properties": {
            "action": { "type": "string", "enum": ["cancel", "retry", "delete"] },
            "filter": filter,
            "dry_run": { "type": ["boolean", "null"], "description": "Only count." },
            "expected_count": { "type": ["integer", "null"], "minimum": 0, "maximum": 100_000,
                                "description": "Refuse unless exactly so many match; in the first call only." },
            "limit": { "type": ["integer", "null"], "minimum": 1, "maximum": 1_000 },
            "cursor": { "type": ["string", "null"], "description": "The `next` of the call before." },
            "reason": { "type": ["string", "null"], "description": "Of a cancel." },
            "grace": { "type": ["string", "null"], "description": "Of a cancel." },
        },
    });
    let new = json!({
        "type": "object", "required": ["id", "retry_of"],
        "properties": { "id": { "type": "string", "format": "uuid" }, "retry_of": { "type": "string", "format": "uuid" } },
    });
    let report = json!({
        "type": "object", "required": ["action", "dry_run", "matched", "done", "skipped", "retries", "next"],
        "properties": {
            "action": { "type": "string" },
            "dry_run": { "type": "boolean" },
            "matched": { "type": "integer", "minimum": 0, "description": "Jobs that were found, at most `limit`." },
            "done": { "type": "integer", "minimum": 0, "description": "Jobs that it was done to." },
            "skipped": { "type": "object", "additionalProperties": { "type": "integer" },
                         "description": "Found, and no longer as they were found, by code." },
            "retries": { "type": "array", "items": new, "description": "The new jobs of a retry." },
            "next": { "type": ["string", "null"], "description": "For `cursor` of the next call; null at the end." },
        },
    });
    let wish = json!({ "action": "cancel", "filter": { "task": examples::TASK }, "dry_run": true });
    let told = json!({
        "action": "cancel", "dry_run": true, "matched": 3, "done": 0, "skipped": {}, "retries": [], "next": null,
    });
    let body =
        Body { about: "What to do, and to which jobs.", contents: vec![Content::new("application/json", asked, wish)] };
    Operation::post("/v1/jobs/actions", "act_on_jobs", actions::act)
        .of(Group::Jobs, Scope::Admin)
        .says("Cancel, retry or delete many jobs", "At most 1,000 a call: go on with `next`. `dry_run` counts.")
        .takes([idempotency_key()])
        .reads(body)
        .answers(Answer::new(200, "What was done.", vec![Content::new("application/json", report, told)]))
        .refuses(&OF_A_BODY)
        .refuses(&[
            (Code::BadCursor, "the cursor was not made by this action"),
            (Code::BadDuration, "`grace` lacks its unit, or cannot be read"),
            (Code::BadId, "the `Idempotency-Key` is empty, too long, or sent twice"),
            (Code::CountMismatch, "another number of jobs matches than `expected_count`"),
            (Code::InvalidInput, "the body is not such an object, or its filter is empty"),
            (Code::OptionOutOfRange, "`limit` or `expected_count` is beyond its bounds"),
            (Code::OptionConflict, "members contradict each other, or the action and the state"),
            (Code::OutcomeUnknown, "Redis did not answer: new jobs of a retry may be stored or not"),
        ])
        .refuses_as_usual()
}

fn forget_task() -> Operation {
    Operation::at(Method::DELETE, "/v1/tasks/{task}", "forget_task", forget::forget)
        .of(Group::Tasks, Scope::Admin)
        .says("Forget a task", "One that no live worker serves and that holds no job. Its ended jobs stay.")
        .takes([task_name()])
        .answers(Answer::new(204, "It is forgotten.", Vec::new()))
        .refuses(&OF_A_TASK)
        .refuses(&[(Code::WrongState, "a worker serves it, a configuration defines it, or jobs of it have not ended")])
        .refuses_as_usual()
}

fn drain_worker() -> Operation {
    let id = Param::path("id", "The worker's id.", json!({ "type": "string" }), "host-a-5f2c9e01".into());
    let mut worker = examples::workers()["items"][0].clone();
    worker["draining"] = true.into();
    Operation::post("/v1/workers/{id}/drain", "drain_worker", drain::drain)
        .of(Group::Workers, Scope::Admin)
        .says("Let a worker leave", "It takes no further job, gives back or ends those it has, and exits.")
        .takes([id])
        .answers(Answer::json(202, "It is told with its next heartbeat.", "Worker", worker))
        .refuses(&[(Code::UnknownWorker, "there is no such live worker"), (Code::NotFound, "the path is not UTF-8")])
        .refuses_as_usual()
}
