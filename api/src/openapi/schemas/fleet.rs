//! Tasks, workers, health.

use super::words::{Member, count, flag, list, maybe, named, object, text, time, uuid, word};
use serde_json::{Value, json};

pub(super) fn all() -> Vec<Member> {
    let items = |about: &str, of: &str| object(about, vec![("items", list("All of them.", named(of)))], Vec::new());
    let ready = vec![
        ("status", text("`ready`.")),
        ("redis_ms", json!({ "type": "number", "minimum": 0, "description": "How long Redis took to answer, ms." })),
    ];
    vec![
        ("Task", task()),
        ("TaskList", items("The tasks.", "Task")),
        ("Worker", worker()),
        ("WorkerList", items("The workers.", "Worker")),
        ("Alive", object("This process answers.", vec![("status", text("`ok`."))], Vec::new())),
        ("Ready", object("This process can do its work.", ready, Vec::new())),
    ]
}

fn task() -> Value {
    let link = || json!({ "type": "string", "format": "uri-reference" });
    let links = ["self", "jobs", "pause", "resume"].map(|name| (name, link()));
    let schema = json!({
        "type": ["object", "boolean", "null"],
        "description": "JSON Schema that inputs must fit; null when any will do.",
    });
    let times = vec![
        ("p50", maybe(count("Half of them took no longer, ms."))),
        ("p95", maybe(count("95 of 100 took no longer, ms."))),
        ("samples", count("How many they are.")),
    ];
    let members = vec![
        ("name", text("Its name.")),
        ("description", maybe(text("One line for people."))),
        ("route", maybe(text("A further path that submits it."))),
        ("queued", count("Jobs that wait for a worker.")),
        ("scheduled", count("Jobs that wait for their time.")),
        ("running", count("Jobs that run.")),
        ("paused", flag("No further job of it is started.")),
        ("oldest_at", maybe(time("Since when the first in its queue waits."))),
        ("live_workers", count("Workers that serve it now.")),
        ("timeout_ms", maybe(count("Longest run of a job that asks for nothing else, ms."))),
        ("max_timeout_ms", maybe(count("The most a job may ask for, ms."))),
        ("expires_ms", maybe(count("A job must have started this long after it could, ms."))),
        ("retries", maybe(count("Further runs after failures of its own."))),
        ("retention_ms", maybe(count("How long a finished job is kept, ms."))),
        ("max_queued", maybe(count("Most jobs that may wait."))),
        ("run_ms", maybe(object("How long its latest jobs have had a slot.", times, Vec::new()))),
        ("output", maybe(word("How standard output becomes the result.", ["auto", "json", "text", "bytes"]))),
        ("input_schema", schema),
        ("warnings", list("What a person should know.", json!({ "type": "string" }))),
        ("links", object("Paths of its own.", links.into(), Vec::new())),
    ];
    object("A task and its queue.", members, Vec::new())
}

fn worker() -> Value {
    let limits = ["memory", "nproc", "cpus"].map(|name| (name, text("`cgroup v2`, `cgroup v1` or `slot`.")));
    let members = vec![
        ("id", text("Its name and eight digits.")),
        ("name", text("Its name.")),
        ("host", text("The host it runs on.")),
        ("pid", count("Its daemon's pid.")),
        ("version", text("Its version of Dayfly.")),
        ("slots", count("Jobs it runs at a time, at most.")),
        ("busy", count("Slots in use.")),
        ("tasks", list("The tasks it serves.", json!({ "type": "string" }))),
        ("draining", flag("It takes no further job.")),
        ("isolation", word("How it holds the processes of a job.", ["pidns", "tree"])),
        ("limits", object("What holds each limit of its jobs.", limits.into(), Vec::new())),
        ("memory", maybe(count("What its jobs' tasks may declare together, bytes; null: no bound."))),
        ("memory_used", maybe(count("What they declare now, bytes."))),
        ("started_at", time("When it started.")),
        ("seen_at", time("Its latest heartbeat.")),
        ("jobs", list("The jobs it holds.", uuid("A job's id."))),
    ];
    object("A worker that was heard of in the last seconds.", members, Vec::new())
}
