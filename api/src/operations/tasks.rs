//! `/v1/tasks`

use super::params::{OF_A_BODY, OF_A_TASK, of_submit, task_name};
use crate::{
    error::Code,
    openapi::{Answer, Body, Content, Group, Operation, Scope, examples},
    routes::{submit, tasks},
};
use dayfly_common::model::State;
use serde_json::json;

pub(super) fn all() -> Vec<Operation> {
    vec![list(), one(), submit_job(), pause(), resume()]
}

fn list() -> Operation {
    let page = json!({ "items": [examples::one_task()] });
    Operation::get("/v1/tasks", "list_tasks", tasks::list)
        .of(Group::Tasks, Scope::Read)
        .says("List the tasks", "Every task that a worker published, a file defines, or that still holds jobs.")
        .answers(Answer::json(200, "The tasks, by name.", "TaskList", page))
        .refuses_as_usual()
}

fn one() -> Operation {
    Operation::get("/v1/tasks/{task}", "get_task", tasks::one)
        .of(Group::Tasks, Scope::Read)
        .says("See a task", "Its queue, its defaults, and the `input_schema` that inputs must fit.")
        .takes([task_name()])
        .answers(Answer::json(200, "The task.", "Task", examples::one_task()))
        .refuses(&OF_A_TASK)
        .refuses_as_usual()
}

/// Refusals of a job to come.
pub(super) const OF_A_SUBMIT: [(Code, &str); 12] = [
    (Code::JobDeleted, "the job that this `Idempotency-Key` or id made was deleted since"),
    (Code::NotUnique, "a live job, `job`, holds the `unique` key"),
    (
        Code::RateLimited,
        "the token's owner submits more often than its quota allows; `Retry-After` says when to try again",
    ),
    (Code::BadDuration, "a duration lacks its unit, or cannot be read"),
    (Code::BadId, "the `Idempotency-Key` is empty, too long, or sent twice"),
    (Code::UnknownJob, "the job of this `Idempotency-Key` was forgotten at this very moment"),
    (Code::InvalidInput, "the input does not fit the task's `input_schema`; `errors` says where"),
    (Code::OptionOutOfRange, "an option is beyond what it, or the task, allows"),
    (Code::OptionConflict, "options contradict each other"),
    (Code::IdempotencyConflict, "the `Idempotency-Key` was used for another request"),
    (Code::QueueFull, "`max_queued` jobs of the task wait already; `Retry-After` says when to try again"),
    (Code::OutcomeUnknown, "Redis did not answer: the job `job` may be stored or not"),
];

/// The body that is a job's input.
pub(super) fn input_body() -> Body {
    let input = json!({ "n": 42 });
    let fields = json!({ "type": "object", "additionalProperties": true });
    let any = json!({ "description": "Any JSON that fits the task's `input_schema`." });
    Body {
        about: "The job's input: what its program reads on standard input. JSON is handed on byte by byte. The fields of a \
                form become the members of an object, typed by the task's schema. No body at all is `{}`.",
        contents: vec![
            Content::new("application/json", any, input.clone()),
            Content::new("application/x-www-form-urlencoded", fields.clone(), input.clone()),
            Content::new("multipart/form-data", fields, input),
        ],
    }
}

fn submit_job() -> Operation {
    let ended = Answer::json(
        200,
        "The job, when it has ended already: within the `Prefer: wait`, or before a replay.",
        "Job",
        examples::job(State::Succeeded),
    );
    let taken = Answer::json(202, "The job is taken.", "Job", examples::job(State::Queued)).with("Retry-After");
    let with_all =
        |answer: Answer| answer.with("Location").maybe_with("Preference-Applied").maybe_with("Idempotent-Replayed");
    Operation::post("/v1/tasks/{task}", "submit_job", submit::by_name)
        .of(Group::Tasks, Scope::Submit)
        .says(
            "Submit a job",
            "Answered as soon as the job is stored, with its id and its address. Nothing that was answered \
                               202 or 200 is lost. Options go in the query, the body is the input.",
        )
        .takes([task_name()])
        .takes(of_submit())
        .reads(input_body())
        .answers(with_all(taken))
        .answers(with_all(ended))
        .refuses(&OF_A_TASK)
        .refuses(&OF_A_BODY)
        .refuses(&OF_A_SUBMIT)
        .refuses_as_usual()
}

fn pause() -> Operation {
    let mut paused = examples::one_task();
    paused["paused"] = true.into();
    Operation::post("/v1/tasks/{task}/pause", "pause_task", tasks::pause)
        .of(Group::Tasks, Scope::Admin)
        .says("Pause a task", "No further job of it is started; running ones go on, and jobs are still taken.")
        .takes([task_name()])
        .answers(Answer::json(200, "The task, paused (it may have been before).", "Task", paused))
        .refuses(&OF_A_TASK)
        .refuses_as_usual()
}

fn resume() -> Operation {
    Operation::post("/v1/tasks/{task}/resume", "resume_task", tasks::resume)
        .of(Group::Tasks, Scope::Admin)
        .says("Let a paused task go on", "Its jobs are started again.")
        .takes([task_name()])
        .answers(Answer::json(200, "The task, no longer paused.", "Task", examples::one_task()))
        .refuses(&OF_A_TASK)
        .refuses_as_usual()
}
