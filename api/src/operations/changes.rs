//! What changes a job from outside: PATCH, DELETE, retry.

use super::params::{OF_A_BODY, OF_AN_ID, idempotency_key, job_id, prefer, traceparent};
use crate::{
    error::Code,
    openapi::{Answer, Body, Content, Group, Operation, Scope, examples},
    routes::{change, delete, retry},
};
use axum::http::Method;
use dayfly_common::model::State;
use serde_json::json;

pub(super) fn all() -> Vec<Operation> {
    vec![patch(), forget(), again()]
}

fn patch() -> Operation {
    let wish = json!({
        "type": "object", "minProperties": 1, "additionalProperties": false,
        "properties": {
            "priority": { "type": "integer", "minimum": 0, "maximum": 9 },
            "at": { "type": "string", "description": "An RFC 3339 time, or `now`." },
        },
    });
    let body = Body {
        about: "What to change: one of the two, or both.",
        contents: vec![Content::new("application/json", wish, json!({ "priority": 2, "at": "now" }))],
    };
    let mut changed = examples::job(State::Queued);
    changed["priority"] = 2.into();
    Operation::at(Method::PATCH, "/v1/jobs/{id}", "change_job", change::change)
        .of(Group::Jobs, Scope::Submit)
        .says(
            "Change a job that waits",
            "Another priority, or another time to start: `\"at\": \"now\"` runs a scheduled one.",
        )
        .takes([job_id()])
        .reads(body)
        .answers(Answer::json(200, "The job as it is now.", "Job", changed))
        .refuses(&OF_AN_ID)
        .refuses(&OF_A_BODY)
        .refuses(&[
            (Code::BadOption, "`at` is not a time"),
            (Code::WrongState, "the job does not wait any more"),
            (Code::InvalidInput, "the body is not an object of `priority` and `at`"),
            (Code::OptionOutOfRange, "`priority` is not 0 to 9, or `at` is more than ten years ahead"),
            (Code::OptionConflict, "the job would have expired by then"),
        ])
        .refuses_as_usual()
}

fn forget() -> Operation {
    Operation::at(Method::DELETE, "/v1/jobs/{id}", "delete_job", delete::delete)
        .of(Group::Jobs, Scope::Admin)
        .says(
            "Forget a job that has ended",
            "Its record, result and log are gone; its `Idempotency-Key` makes no new job.",
        )
        .takes([job_id()])
        .answers(Answer::new(204, "It is gone; also when the request is repeated soon.", Vec::new()))
        .refuses(&OF_AN_ID)
        .refuses(&[(Code::WrongState, "the job has not ended: cancel it first")])
        .refuses_as_usual()
}

fn again() -> Operation {
    let mut new = examples::job(State::Queued);
    new["retry_of"] = examples::JOB.into();
    let ended = Answer::json(200, "The new job, when it has ended already.", "Job", examples::job(State::Succeeded));
    let taken = Answer::json(202, "The new job is taken.", "Job", new).with("Retry-After");
    let with_all =
        |answer: Answer| answer.with("Location").maybe_with("Preference-Applied").maybe_with("Idempotent-Replayed");
    Operation::post("/v1/jobs/{id}/retry", "retry_job", retry::retry)
        .of(Group::Jobs, Scope::Submit)
        .says("Run an ended job once more", "As a new job, with the task, input, options and labels of the old one.")
        .takes([job_id(), prefer(), idempotency_key(), traceparent()])
        .answers(with_all(taken))
        .answers(with_all(ended))
        .refuses(&OF_AN_ID)
        .refuses(&[
            (Code::UnknownTask, "nobody defines its task any more"),
            (Code::WrongState, "the job has not ended"),
            (Code::ResultExpired, "its input is no longer kept"),
            (Code::JobDeleted, "the job that this `Idempotency-Key` made was deleted since"),
            (Code::TooLarge, "the request has a body, and a large one"),
            (Code::InvalidInput, "the request has a body: a retry takes none"),
            (Code::IdempotencyConflict, "the `Idempotency-Key` was used for another request"),
            (Code::QueueFull, "`max_queued` jobs of the task wait already; `Retry-After` says when to try again"),
            (Code::OutcomeUnknown, "Redis did not answer: the job `job` may be stored or not"),
        ])
        .refuses_as_usual()
}
