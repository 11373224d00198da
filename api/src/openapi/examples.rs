//! Examples of what the API shows, by the code that shows it.

use crate::{
    catalogue::Task,
    view::{Shown, TaskJson, WorkerJson, fresh_job, job_json, list_item},
};
use dayfly_common::{
    model::{JobId, RunTimes, State, TaskDef, Usage},
    queue::{AttemptRecord, JobView, LimitHolders, Presence, Progress, Submit, TaskCard, TaskStatus, WorkerStatus},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The id in all examples.
pub(crate) const JOB: &str = "0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90";
/// The task of all examples.
pub(crate) const TASK: &str = "factor";
/// A moment, ms since the epoch.
const NOON: i64 = 1_767_268_800_000;
const WORKER: &str = "host-a-5f2c9e01";

/// The schema of that task's input.
pub(crate) fn input_schema() -> Value {
    json!({
        "type": "object",
        "required": ["n"],
        "additionalProperties": false,
        "properties": { "n": { "type": "integer", "minimum": 1, "description": "the number to factor" } },
    })
}

fn task() -> Option<std::sync::Arc<Task>> {
    let mut task = TaskDef::command(TASK.parse().ok()?, &["python3", "factor.py"]);
    task.description = Some("Prime factors of n, exactly, however many digits it has".to_owned());
    task.timeout_ms = 60_000;
    task.max_timeout_ms = 1_800_000;
    task.input_schema = Some(input_schema());
    Some(Task::new(TaskCard::from(&task)))
}

fn submit() -> Option<Submit> {
    Some(Submit {
        id: JOB.parse::<JobId>().ok()?,
        task: TASK.parse().ok()?,
        input: r#"{"n":42}"#.into(),
        priority: 5,
        delay_ms: 0,
        timeout_ms: None,
        expires_ms: None,
        retries: None,
        retention_ms: None,
        max_queued: None,
        repeatable: false,
        trace: None,
        owner: String::new(),
        labels: BTreeMap::new(),
        unique: None,
        retry_of: None,
    })
}

fn view(state: State) -> Option<JobView> {
    let mut view = fresh_job(&submit()?, state, NOON, 1);
    let record = &mut view.record;
    match state {
        State::Scheduled | State::Queued | State::Failed | State::Cancelled => {}
        State::Running | State::Succeeded => {
            (record.attempt, record.started_at, record.deadline_at) = (1, Some(NOON + 40), Some(NOON + 60_040));
            (record.worker, record.pid) = (Some(WORKER.to_owned()), Some(4711));
            record.progress = Some(Progress { fraction: Some(1.0), message: Some("trial division".to_owned()) });
        }
    }
    if state == State::Succeeded {
        let usage = Usage { wall_ms: 31, cpu_ms: 24, max_rss_bytes: 9_437_184, ..Usage::default() };
        let result = r#"{"n":42,"factors":[2,3,7]}"#;
        (record.finished_at, record.usage) = (Some(NOON + 71), Some(usage));
        record.result_type = Some("application/json".to_owned());
        record.result_bytes = Some(result.len() as u64);
        view.result = Some(result.into());
        view.attempts.push(AttemptRecord {
            attempt: 1,
            outcome: "succeeded".to_owned(),
            worker: Some(WORKER.to_owned()),
            started_at: NOON + 40,
            ended_at: NOON + 71,
            error: None,
            usage: Some(usage),
            killed_by: None,
        });
    }
    Some(view)
}

/// A job in a state.
pub(crate) fn job(state: State) -> Value {
    let task = task();
    let shown = view(state).map(|view| job_json(Shown { view: &view, task: task.as_deref(), message: None }));
    shown.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// A page of jobs.
pub(crate) fn page() -> Value {
    let task = task();
    let item = view(State::Succeeded).map(|view| list_item(&view.record, task.as_deref(), 1));
    let item: Value = item.and_then(|item| serde_json::from_str(item.get()).ok()).unwrap_or_default();
    json!({ "items": [item], "next": null })
}

/// A task with its queue.
pub(crate) fn one_task() -> Value {
    let task = task();
    let status = task.as_ref().map(|task| TaskStatus {
        name: task.card.name.clone(),
        card: Some(task.card.clone()),
        queued: 3,
        scheduled: 0,
        running: 1,
        paused: false,
        oldest_at: Some(NOON),
        live_workers: 1,
        conflict: false,
        run_times: RunTimes::new(vec![24, 31, 90]),
    });
    serde_json::to_value(TaskJson::new(task.as_deref(), status.as_ref())).unwrap_or_default()
}

/// All workers: one.
pub(crate) fn workers() -> Value {
    let limits = LimitHolders { memory: "cgroup v2".into(), nproc: "cgroup v2".into(), cpus: "cgroup v2".into() };
    let presence = Presence {
        id: WORKER.to_owned(),
        name: "host-a".to_owned(),
        host: "host-a".to_owned(),
        pid: 4702,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        slots: 2,
        busy: 1,
        tasks: vec![TASK.to_owned()],
        draining: false,
        isolation: "pidns".to_owned(),
        limits,
        started_at: NOON - 3_600_000,
        memory: None,
        memory_used: None,
    };
    let jobs = JOB.parse().ok().into_iter().collect();
    let worker = WorkerStatus { presence, seen_at: NOON, jobs };
    json!({ "items": [WorkerJson::from(&worker)] })
}
