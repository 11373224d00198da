//! `/v1/jobs/{id}` and below.

use super::params::{OF_A_BODY, OF_AN_ID, if_none_match, job_id, prefer};
use crate::{
    error::Code,
    openapi::{Answer, Body, Content, Group, Operation, Param, Scope, examples},
    routes::{cancel, jobs, logs, result},
};
use dayfly_common::model::State;
use serde_json::json;

pub(super) fn all() -> Vec<Operation> {
    vec![one(), raw_result(), log(), end()]
}

fn one() -> Operation {
    Operation::get("/v1/jobs/{id}", "get_job", jobs::one)
        .of(Group::Jobs, Scope::Read)
        .says("See a job, or wait for its end", "At once; or, with `Prefer: wait=N`, when it has ended.")
        .takes([job_id(), prefer().shown(), if_none_match()])
        .answers(
            Answer::json(200, "The job.", "Job", examples::job(State::Running))
                .with("ETag")
                .maybe_with("Preference-Applied"),
        )
        .answers(Answer::new(304, "Nothing has changed since the answer with this tag.", Vec::new()).with("ETag"))
        .refuses(&OF_AN_ID)
        .refuses_as_usual()
}

fn raw_result() -> Operation {
    let contents = vec![
        Content::new(
            "application/json",
            json!({ "description": "Any JSON." }),
            json!({ "n": 42, "factors": [2, 3, 7] }),
        ),
        Content::new("text/plain", json!({ "type": "string" }), "two three seven\n"),
        Content::new("application/octet-stream", json!({ "type": "string", "format": "binary" }), "\u{1}\u{2}"),
    ];
    Operation::get("/v1/jobs/{id}/result", "get_result", result::raw)
        .of(Group::Jobs, Scope::Read)
        .says(
            "Take a job's result",
            "What its program printed, byte by byte. Anything but a success is an error, so that \
                                      `curl -f` may stand in scripts.",
        )
        .takes([job_id(), prefer()])
        .answers(Answer::new(200, "The result.", contents).maybe_with("Preference-Applied"))
        .refuses(&OF_AN_ID)
        .refuses(&[
            (Code::WrongState, "the job has not succeeded (yet); the detail says how it stands"),
            (Code::ResultExpired, "the job succeeded, and its result is no longer kept"),
        ])
        .refuses_as_usual()
}

fn log() -> Operation {
    let tail = json!({ "type": "integer", "minimum": 0, "maximum": 100_000 });
    let follow = json!({ "type": "string", "enum": ["0", "1", "false", "true"] });
    let text = Content::new("text/plain", json!({ "type": "string" }), "n = 42\n3 factors\n");
    Operation::get("/v1/jobs/{id}/logs", "get_logs", logs::text)
        .of(Group::Jobs, Scope::Read)
        .says(
            "Read a job's log",
            "What it wrote to standard error, as far as it is kept; lines of Dayfly itself begin with \
                                   `[dayfly]`. With `follow=1` the answer goes on until the job has ended (`curl -N`).",
        )
        .takes([
            job_id(),
            Param::query("tail", "Only the last lines, this many.", tail, 200.into()).shown(),
            Param::query("follow", "`1`: go on until the job has ended.", follow, "0".into()),
        ])
        .answers(Answer::new(200, "The lines.", vec![text]))
        .refuses(&OF_AN_ID)
        .refuses(&[
            (Code::OptionOutOfRange, "`tail` is more than 100000"),
            (Code::TooManyStreams, "it is to be followed, and this server has too many streams open"),
            (Code::Draining, "it is to be followed, and this server shuts down"),
        ])
        .refuses_as_usual()
}

fn end() -> Operation {
    let wish = json!({ "reason": "no longer needed", "grace": "2s" });
    let mut cancelled = examples::job(State::Cancelled);
    cancelled["cancel_reason"] = wish["reason"].clone();
    let body = Body {
        about: "Optional: a reason, and how long its processes have between SIGTERM and SIGKILL.",
        contents: vec![Content::json("Cancel", wish)],
    };
    Operation::post("/v1/jobs/{id}/cancel", "cancel_job", cancel::cancel)
        .of(Group::Jobs, Scope::Cancel)
        .says(
            "End a job",
            "One that waits never starts. One that runs is ended by its worker: `Prefer: wait=N` answers when \
                            no process of it is left.",
        )
        .takes([job_id(), prefer()])
        .reads(body)
        .answers(
            Answer::json(200, "It is cancelled (it may have been before).", "Job", cancelled)
                .maybe_with("Preference-Applied"),
        )
        .answers(
            Answer::json(202, "It runs; its worker is told.", "Job", examples::job(State::Running))
                .with("Retry-After")
                .maybe_with("Preference-Applied"),
        )
        .refuses(&OF_AN_ID)
        .refuses(&OF_A_BODY)
        .refuses(&[
            (Code::BadDuration, "`grace` lacks its unit, or cannot be read"),
            (Code::WrongState, "the job has succeeded or failed already"),
            (Code::InvalidInput, "the body is not an object of `reason` and `grace`"),
        ])
        .refuses_as_usual()
}
