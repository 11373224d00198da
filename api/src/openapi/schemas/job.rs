//! Jobs.

use super::words::{Member, count, flag, list, maybe, named, object, text, time, uuid, word};
use dayfly_common::model::State;
use serde_json::{Value, json};

const KINDS: [&str; 10] = [
    "exit_code",
    "signal",
    "timeout",
    "oom",
    "lost",
    "expired",
    "spawn_failed",
    "bad_output",
    "exception",
    "unkillable",
];
const KILLERS: [&str; 5] = ["deadline", "cancel", "lease", "drain", "limit"];

pub(super) fn all() -> Vec<Member> {
    let mut whole = members();
    whole.extend([
        ("input", json!({ "description": "What its program got on standard input, digit by digit. Any JSON." })),
        (
            "result",
            json!({ "description": "What its program printed, when that is JSON or text; null otherwise, and before the end. \
                                    Byte by byte at `links.result`." }),
        ),
        ("attempts", list("Every run that has ended, in order.", named("Attempt"))),
    ]);
    let message = ("message", text("In the answer of a task's own `route` only: `job created`."));
    vec![
        ("Job", object("A job: one run of a task.", whole, vec![message])),
        ("JobItem", object("A job in a list: without `input`, `result` and `attempts`.", members(), Vec::new())),
        ("JobPage", page()),
        ("JobError", error()),
        ("Attempt", attempt()),
        ("Usage", usage()),
        ("Progress", progress()),
        ("JobWorker", worker()),
        ("JobLinks", links()),
        ("Cancel", cancel()),
    ]
}

fn members() -> Vec<Member> {
    vec![
        ("id", uuid("Its id.")),
        ("task", text("The task it is a run of.")),
        (
            "state",
            word("Where it stands. `succeeded`, `failed` and `cancelled` are final.", State::ALL.map(State::as_str)),
        ),
        ("priority", json!({ "type": "integer", "minimum": 0, "maximum": 9, "description": "0 is taken first." })),
        ("result_type", maybe(text("The result's media type."))),
        ("result_bytes", maybe(count("The result's length, bytes."))),
        ("truncated", flag("Its output was larger than the task keeps, and cut off.")),
        (
            "labels",
            json!({ "type": "object", "description": "What the client attached to it.",
                    "additionalProperties": { "type": "string" } }),
        ),
        ("progress", maybe(named("Progress"))),
        ("created_at", time("When it was submitted.")),
        ("ready_at", time("When it may start, at the earliest.")),
        ("queued_at", maybe(time("When it came into its queue; null while scheduled."))),
        ("started_at", maybe(time("When its latest run began."))),
        ("finished_at", maybe(time("When it reached a final state."))),
        ("deadline_at", maybe(time("When its run is ended, if it has not ended by itself."))),
        ("expires_at", maybe(time("It must have started by then, else it fails as `expired`."))),
        ("timeout_ms", maybe(count("Longest run, ms."))),
        ("queue_position", maybe(count("Jobs before it in its queue; null in lists and when it does not wait."))),
        ("estimated_start_at", maybe(time("When it may be expected to start; null when nothing tells."))),
        ("cancel_requested_at", maybe(time("When somebody first asked for its end."))),
        ("cancel_reason", maybe(text("The reason given with that."))),
        ("attempt", count("The number of its latest run; 0 before the first.")),
        ("max_attempts", maybe(count("Runs it may have for failures of its own."))),
        ("worker", maybe(named("JobWorker"))),
        ("error", maybe(named("JobError"))),
        ("usage", maybe(named("Usage"))),
        ("killed_by", maybe(word("What made Dayfly end its latest run.", KILLERS))),
        ("kill_ms", maybe(count("From the decision to end it to the last process gone, ms."))),
        ("retry_of", maybe(uuid("The job that this one repeats."))),
        ("live_workers", count("Workers that serve its task now.")),
        ("warnings", list("What a person should know and no state says.", json!({ "type": "string" }))),
        ("links", named("JobLinks")),
    ]
}

fn page() -> Value {
    let next = maybe(text("The `cursor` of the next page; null at the end. A page may be short and still have one."));
    object("A page of a list.", vec![("items", list("The jobs.", named("JobItem"))), ("next", next)], Vec::new())
}

fn error() -> Value {
    let members = vec![
        ("kind", word("Why it failed, for programs.", KINDS)),
        ("message", text("Why it failed, for people.")),
        ("exit_code", json!({ "type": ["integer", "null"], "description": "The code its program ended with." })),
        ("signal", maybe(text("The signal that ended its program, such as `SIGSEGV`."))),
        ("retryable", flag("Another run may go better.")),
        ("stderr_tail", text("The end of what it wrote to standard error, at most 2 KiB.")),
    ];
    object("Why a job failed. A cancelled job has none.", members, Vec::new())
}

fn attempt() -> Value {
    let members = vec![
        ("attempt", count("Its number, from 1.")),
        ("outcome", text("How it ended: `succeeded`, `failed`, `cancelled`, `drained`, `lost`, ...")),
        ("worker", maybe(text("The worker it ran on."))),
        ("started_at", time("When it began.")),
        ("ended_at", time("When it ended.")),
        ("error", maybe(named("JobError"))),
        ("usage", maybe(named("Usage"))),
        ("killed_by", maybe(word("What made Dayfly end it.", KILLERS))),
    ];
    object("A run that has ended.", members, Vec::new())
}

fn usage() -> Value {
    let members = vec![
        ("wall_ms", count("From its start to the last process gone, ms.")),
        ("cpu_ms", count("CPU time of all its processes, ms.")),
        ("max_rss_bytes", count("The largest resident set of one process, bytes.")),
        ("voluntary_switches", count("Context switches in which a process waited for something.")),
        ("involuntary_switches", count("Context switches in which a process was made to wait.")),
    ];
    object("What a run used.", members, Vec::new())
}

fn progress() -> Value {
    let fraction = json!({ "type": ["number", "null"], "description": "0 to 1." });
    object(
        "What its program told last.",
        vec![("fraction", fraction), ("message", maybe(text("In words.")))],
        Vec::new(),
    )
}

fn worker() -> Value {
    let pid =
        json!({ "type": ["integer", "null"], "description": "The pid of its first process, as the host sees it." });
    object("Where it runs or ran.", vec![("id", text("The worker's id.")), ("pid", pid)], Vec::new())
}

fn links() -> Value {
    let to = |about: &str| json!({ "type": "string", "format": "uri-reference", "description": about });
    let members = vec![
        ("self", to("The job.")),
        ("result", to("Its result, raw.")),
        ("logs", to("Its log.")),
        ("events", to("Its changes, as server-sent events.")),
        ("cancel", to("POST here to end it.")),
    ];
    object("Paths of its own.", members, Vec::new())
}

fn cancel() -> Value {
    let reason =
        json!({ "type": ["string", "null"], "maxLength": 500, "description": "Kept with the job; at most 500 bytes." });
    let grace = json!({
        "type": ["string", "null"], "examples": ["0s"],
        "description": "From SIGTERM to SIGKILL, instead of the task's own `kill_grace`: `0s` kills at once.",
    });
    json!({
        "type": "object", "description": "How to end a job.", "additionalProperties": false,
        "properties": { "reason": reason, "grace": grace },
    })
}
