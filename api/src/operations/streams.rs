//! Streams of server-sent events.

use super::params::{OF_AN_ID, job_id};
use crate::{
    error::Code,
    openapi::{Answer, Content, Group, Operation, Param, Scope},
    routes::{events, fleet_events},
};
use serde_json::json;

pub(super) fn all() -> Vec<Operation> {
    vec![of_a_job(), of_all()]
}

/// Where a broken stream goes on.
fn last_event_id() -> [Param; 2] {
    let about = "The id of the last event that arrived: the stream goes on after it.";
    [("Last-Event-ID", Param::header as fn(_, _, _, _) -> _), ("last_event_id", Param::query)]
        .map(|(name, param)| param(name, about, json!({ "type": "string" }), json!(null)))
}

fn stream(example: &str) -> Vec<Content> {
    vec![Content::new("text/event-stream", json!({ "type": "string" }), example)]
}

fn of_a_job() -> Operation {
    let example = "id: 1767268800000.0-0\nevent: state\ndata: {\"id\":\"0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90\",\"state\":\"running\"}\n\n";
    Operation::get("/v1/jobs/{id}/events", "follow_job", events::follow)
        .of(Group::Jobs, Scope::Read)
        .says(
            "Follow a job",
            "Server-sent events: `state` (the job as lists show it), `progress`, `log`, and `end`, with which the stream is \
             over. After lost history `reset`, then everything anew. `Last-Event-ID` goes on where a stream broke off.",
        )
        .takes([job_id()])
        .takes(last_event_id())
        .answers(Answer::new(200, "The stream.", stream(example)))
        .answers(Answer::new(204, "Nothing comes after the event of this id: the job has ended.", Vec::new()))
        .refuses(&OF_AN_ID)
        .refuses(&[(Code::TooManyStreams, "this server has too many streams open"), (Code::Draining, "it shuts down")])
        .refuses_as_usual()
}

fn of_all() -> Operation {
    let example = "id: 1767268800000-0\nevent: ready\ndata: {}\n\n";
    Operation::get("/v1/events", "follow_all", fleet_events::follow)
        .of(Group::Jobs, Scope::Read)
        .says(
            "Follow all jobs",
            "Server-sent events: `ready` when nothing is missed from here on, `job` for each change, `reset` when history was \
             lost and the lists must be read again. `Last-Event-ID` goes on where a stream broke off.",
        )
        .takes(last_event_id())
        .takes(["task", "state"].map(|name| Param::query(name, "Only such jobs.", json!({ "type": "string" }), json!(null))))
        .answers(Answer::new(200, "The stream.", stream(example)))
        .refuses(&[(Code::TooManyStreams, "this server has too many streams open"), (Code::Draining, "it shuts down")])
        .refuses_as_usual()
}
