//! `[worker] memory`: jobs run together only as far as what their tasks declare fits, and a free slot never waits for long.

use dayfly_tests::{Daemon, Installation, eventually_async};
use serde_json::{Value, json};
use std::{fs, time::Duration};

const MEMORY: &str = "memory = \"100MiB\"";
const MIB: u64 = 1 << 20;

/// A job ends once the file exists that its input names.
const TASKS: &str = r#"
[tasks.a]
command = ["sh", "-c", "gate=$(tr -d '\"'); until [ -e \"$gate\" ]; do sleep 0.02; done"]
workdir = "."
memory = "60MiB"
[tasks.b]
command = ["sh", "-c", "gate=$(tr -d '\"'); until [ -e \"$gate\" ]; do sleep 0.02; done"]
workdir = "."
[tasks.c]
command = ["sh", "-c", "gate=$(tr -d '\"'); until [ -e \"$gate\" ]; do sleep 0.02; done"]
workdir = "."
memory = "40MiB"
[tasks.all]
command = ["sh", "-c", "gate=$(tr -d '\"'); until [ -e \"$gate\" ]; do sleep 0.02; done"]
workdir = "."
memory = "100MiB"
"#;

/// Well below the 2 s after which a worker looks at its queues whatever it has heard, and no stumble of a busy machine.
const AT_ONCE_MS: i64 = 1_000;
const BOUND: Duration = Duration::from_secs(30);

async fn four_slots() -> Installation {
    let mut rig = Installation::start_with(MEMORY, TASKS).await;
    rig.add_worker(4).await;
    rig
}

/// Submits a job of `task` that runs until its gate is opened.
async fn submit(rig: &Installation, task: &str, gate: &str) -> String {
    rig.submit(task, &json!(gate)).await
}

async fn running(rig: &Installation, task: &str, gate: &str) -> String {
    let id = submit(rig, task, gate).await;
    runs(rig, &id).await;
    id
}

async fn runs(rig: &Installation, id: &str) {
    rig.job_until(id, BOUND, "runs", |job| job["state"] == "running").await;
}

async fn state(rig: &Installation, id: &str) -> Value {
    rig.job(id).await["state"].clone()
}

fn open(rig: &Installation, gate: &str) {
    fs::write(rig.path(gate), "").expect("a gate");
}

/// A time of the record, ms of the server's clock.
async fn time(rig: &Installation, id: &str, field: &str) -> i64 {
    let mut ask = redis::cmd("HGET");
    ask.arg(format!("dayfly:{{0}}:job:{id}")).arg(field);
    ask.query_async(&mut rig.redis().await).await.expect("a time")
}

async fn worker(rig: &Installation) -> Value {
    rig.get("/v1/workers").await["items"][0].clone()
}

async fn calls_of(rig: &Installation, command: &str) -> u64 {
    let mut connection = rig.redis().await;
    let stats: String = redis::cmd("INFO").arg("commandstats").query_async(&mut connection).await.expect("statistics");
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|rest| rest.split(',').next()).map_or(0, |calls| calls.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_run_together_only_as_far_as_they_fit() {
    let rig = four_slots().await;
    let first = running(&rig, "a", "first").await;
    let second = submit(&rig, "a", "second").await;
    running(&rig, "b", "never").await;
    running(&rig, "c", "never").await;
    eventually_async("the worker shows what it holds", BOUND, || async {
        let shown = worker(&rig).await;
        (shown["memory"] == 100 * MIB && shown["memory_used"] == 100 * MIB && shown["busy"] == 3).then_some(())
    })
    .await;
    assert_eq!((state(&rig, &first).await, state(&rig, &second).await), (json!("running"), json!("queued")));
    open(&rig, "first");
    runs(&rig, &second).await;
    let wait = time(&rig, &second, "started_at").await - time(&rig, &first, "finished_at").await;
    assert!((0..AT_ONCE_MS).contains(&wait), "{wait} ms after the first one's end");
}

/// With a token on its list all the while, an idle worker that could not use it does not take it again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_slot_waits_quietly_for_memory() {
    let rig = four_slots().await;
    running(&rig, "a", "never").await;
    submit(&rig, "a", "never").await;
    // Its claim has told that there is no room for the other one.
    running(&rig, "b", "never").await;
    let before = (calls_of(&rig, "blpop").await, worker(&rig).await["seen_at"].clone());
    let mut last = before.1.clone();
    for _ in 0..3 {
        last = eventually_async("a further heartbeat", BOUND, || async {
            let seen = worker(&rig).await["seen_at"].clone();
            (seen != last).then_some(seen)
        })
        .await;
    }
    let waits = calls_of(&rig, "blpop").await - before.0;
    assert!(waits < 20, "{waits} waits in some 3 s");
    let token: i64 =
        redis::cmd("LLEN").arg("dayfly:{0}:wake:a").query_async(&mut rig.redis().await).await.expect("a length");
    assert_eq!(token, 1, "it is left for a worker with more memory");
}

/// One end, two that fit then: its own slot takes one of them, an idle one the other, without any token: the server is
/// made to refuse that the wait for tokens be ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_slots_look_again_when_memory_becomes_free() {
    let rig = four_slots().await;
    let forbid = ["SETUSER", "default", "-client|unblock"];
    redis::cmd("ACL").arg(&forbid).query_async::<()>(&mut rig.redis().await).await.expect("forbidden");
    let all = running(&rig, "all", "all").await;
    let (a, c) = (submit(&rig, "a", "never").await, submit(&rig, "c", "never").await);
    // The next look by the clock is 2 s from here.
    running(&rig, "b", "never").await;
    open(&rig, "all");
    runs(&rig, &a).await;
    runs(&rig, &c).await;
    let end = time(&rig, &all, "finished_at").await;
    for id in [a, c] {
        let wait = time(&rig, &id, "started_at").await - end;
        assert!((0..AT_ONCE_MS).contains(&wait), "{wait} ms after the end that made room");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_submitted_after_memory_became_free_starts_at_once() {
    let rig = four_slots().await;
    let all = running(&rig, "all", "all").await;
    // A wait for tokens begins here, of `b` alone.
    running(&rig, "b", "never").await;
    open(&rig, "all");
    rig.ended(&all).await;
    let late = running(&rig, "c", "never").await;
    let wait = time(&rig, &late, "started_at").await - time(&rig, &late, "created_at").await;
    assert!((0..AT_ONCE_MS).contains(&wait), "{wait} ms after its submission");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_jobs_at_once_never_exceed_it() {
    let rig = four_slots().await;
    open(&rig, "open");
    let mut jobs = Vec::new();
    for _ in 0..12 {
        for (task, memory) in [("a", 60), ("b", 0), ("c", 40)] {
            jobs.push((submit(&rig, task, "open").await, memory));
        }
    }
    let mut runs = Vec::new();
    for (id, memory) in &jobs {
        rig.ended(id).await;
        runs.push((time(&rig, id, "started_at").await, time(&rig, id, "finished_at").await, *memory));
    }
    for (start, ..) in &runs {
        let held: u64 = runs.iter().filter(|(from, to, _)| from <= start && start < to).map(|run| run.2).sum();
        assert!(held <= 100, "{held} MiB at {start}: {runs:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_can_never_fit_is_not_served() {
    let mut rig = Installation::start_with("memory = \"64MiB\"", TASKS).await;
    rig.add_worker(1).await;
    assert_eq!(worker(&rig).await["tasks"], json!(["a", "b", "c"]));
    let told = rig.workers[0].output();
    let warning = "[tasks.all] memory = 100 MiB is more than [worker] memory = 64 MiB: this worker does not serve it";
    assert!(told.contains(warning), "{told}");
    let idle = submit(&rig, "all", "never").await;
    running(&rig, "a", "never").await;
    assert_eq!(state(&rig, &idle).await, "queued");

    let mut without = Daemon::start("without", rig.dir(), ["worker", "--config", "dayfly.toml", "--tasks", "all"]);
    let status = without.wait(BOUND);
    let told = without.output();
    assert_eq!(status.code(), Some(2), "{told}");
    assert!(told.contains("no task to run: each declares more than [worker] memory = 64 MiB; raise it"), "{told}");
}
