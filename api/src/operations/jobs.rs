//! `/v1/jobs`

use crate::{
    error::Code,
    openapi::{Answer, Group, Operation, Param, Scope, examples},
    routes::jobs,
};
use dayfly_common::model::State;
use serde_json::json;

pub(super) fn all() -> Vec<Operation> {
    vec![list()]
}

fn list() -> Operation {
    let states = json!({ "type": "string", "enum": State::ALL.map(State::as_str) });
    let limit = json!({ "type": "integer", "minimum": 1 });
    let text = || json!({ "type": "string" });
    let moment = || json!({ "type": "string", "format": "date-time" });
    Operation::get("/v1/jobs", "list_jobs", jobs::list)
        .of(Group::Jobs, Scope::Read)
        .says(
            "List jobs",
            "Running, queued and scheduled ones in the order of their turn, then the finished, newest first.",
        )
        .takes([
            Param::query("state", "Only jobs in this state.", states, "succeeded".into()).shown(),
            Param::query("task", "Only jobs of this task.", text(), examples::TASK.into()),
            Param::query(
                "limit",
                "Jobs a page: 50 by default, and at most 500 even when more are asked for.",
                limit,
                20.into(),
            )
            .shown(),
            Param::query("worker", "Only jobs that this worker runs or ran last.", text(), "host-a-5f2c9e01".into()),
            Param::query("error_kind", "Only jobs that failed in this way.", text(), "timeout".into()),
            Param::query(
                "label",
                "Only jobs that have this label, `name:value`; may be given several times.",
                json!({ "type": "array", "items": { "type": "string" } }),
                json!(["team:blue"]),
            ),
            Param::query(
                "since",
                "Only jobs submitted then or later (RFC 3339).",
                moment(),
                "2030-01-01T00:00:00Z".into(),
            ),
            Param::query("until", "Only jobs submitted before (RFC 3339).", moment(), "2030-01-02T00:00:00Z".into()),
            Param::query("cursor", "The `next` of the page before, as it is.", text(), json!(null)),
        ])
        .answers(
            Answer::json(200, "A page. `Link` has the next one, as `rel=\"next\"`.", "JobPage", examples::page())
                .maybe_with("Link"),
        )
        .refuses(&[
            (Code::BadCursor, "the cursor was not made by this list"),
            (Code::OptionOutOfRange, "`limit` is 0, or more than a number may be"),
            (Code::OptionConflict, "filters that no job could pass together"),
        ])
        .refuses_as_usual()
}
