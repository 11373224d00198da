//! Further ways to submit: under the client's own id, and many at once.

use super::{
    params::{OF_A_BODY, OF_AN_ID, job_id, of_submit},
    tasks::{OF_A_SUBMIT, input_body},
};
use crate::{
    error::Code,
    openapi::{Answer, Body, Content, Group, Operation, Param, Scope, examples},
    routes::{bulk, put},
};
use axum::http::Method;
use dayfly_common::model::State;
use serde_json::json;

pub(super) fn all() -> Vec<Operation> {
    vec![many(), own_id()]
}

fn many() -> Operation {
    let one = json!({ "task": "factor", "input": { "n": 42 }, "options": { "timeout": "30s" } });
    let other = json!({ "task": "factor", "input": { "n": 91 }, "idempotency_key": "order-91" });
    let lines = format!("{one}\n{other}\n");
    let item = json!({
        "type": "object", "required": ["task"],
        "properties": {
            "task": { "type": "string" },
            "input": { "description": "As the body of a submit." },
            "options": { "type": "object", "description": "As the query of a submit, by the same names." },
            "id": { "type": "string", "format": "uuid", "description": "The client's own; not with `idempotency_key`." },
            "idempotency_key": { "type": "string", "minLength": 1, "maxLength": 255 },
        },
    });
    let items = json!({ "type": "array", "maxItems": 1000, "items": item });
    let result = json!({
        "type": "object", "required": ["index", "status"],
        "properties": {
            "index": { "type": "integer", "minimum": 0 },
            "status": { "type": "integer", "description": "What this job would have been answered alone." },
            "id": { "type": "string", "format": "uuid" },
            "problem": { "$ref": "#/components/schemas/Problem" },
            "retry_after": { "type": "integer", "minimum": 0 },
        },
    });
    let all = json!({
        "type": "object", "required": ["results"], "properties": { "results": { "type": "array", "items": result } },
    });
    let body = Body {
        about: "Up to 1,000 jobs: an array, or one a line (`application/x-ndjson`), each with its task, input and options.",
        contents: vec![
            Content::new("application/json", items, json!([one, other])),
            Content::new("application/x-ndjson", json!({ "type": "string" }), lines),
        ],
    };
    let results = json!({ "results": [{ "index": 0, "status": 202, "id": examples::JOB }] });
    let line = format!("{}\n", results["results"][0]);
    let contents = vec![
        Content::new("application/json", all, results),
        Content::new("application/x-ndjson", json!({ "type": "string" }), line),
    ];
    Operation::post("/v1/jobs", "submit_jobs", bulk::submit)
        .of(Group::Jobs, Scope::Submit)
        .says(
            "Submit many jobs",
            "Each is taken or refused for itself, with the status that it would have alone. With \
             `Accept: application/x-ndjson` each result comes as soon as it is known.",
        )
        .reads(body)
        .answers(Answer::new(200, "What became of each, in order.", contents))
        .refuses(&OF_A_BODY)
        .refuses_as_usual()
}

fn own_id() -> Operation {
    let ended =
        Answer::json(200, "There is such a job already, of the same request.", "Job", examples::job(State::Succeeded));
    let taken = Answer::json(202, "The job is taken.", "Job", examples::job(State::Queued)).with("Retry-After");
    let with_all =
        |answer: Answer| answer.with("Location").maybe_with("Preference-Applied").maybe_with("Idempotent-Replayed");
    Operation::at(Method::PUT, "/v1/jobs/{id}", "put_job", put::own_id)
        .of(Group::Jobs, Scope::Submit)
        .says("Submit a job under your own id", "As POST /v1/tasks/{task}; sending it again makes no second job.")
        .takes([
            job_id(),
            Param::query("task", "The task to run.", json!({ "type": "string" }), examples::TASK.into()).shown(),
        ])
        // The id in the path tells a repetition already.
        .takes(of_submit().into_iter().filter(|param| param.name != "Idempotency-Key"))
        .reads(input_body())
        .answers(with_all(taken))
        .answers(with_all(ended))
        .refuses(&OF_AN_ID)
        .refuses(&OF_A_BODY)
        .refuses(&OF_A_SUBMIT)
        .refuses(&[(Code::BadOption, "the query lacks `task`"), (Code::UnknownTask, "there is no such task")])
        .refuses_as_usual()
}
