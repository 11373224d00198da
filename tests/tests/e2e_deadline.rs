//! A job that hangs, ignores SIGTERM and has a `setsid` grandchild is gone at deadline + grace, and only then does its
//! record say so.

use dayfly_tests::{Installation, eventually, processes_with};
use nix::sys::signal::Signal;
use serde_json::json;
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(20);
const TASK: &str = r#"
[tasks.stubborn]
command = ["sh", "-c", "trap '' TERM; setsid sh -c 'while :; do sleep 1; done' & echo going >&2; while :; do sleep 1; done"]
timeout = "1s"
kill_grace = "500ms"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_tree_is_gone_before_the_record_says_timeout() {
    let mut rig = Installation::start(TASK).await;
    rig.add_worker(1).await;
    let rig = rig;
    let id = rig.submit("stubborn", &json!({})).await;
    eventually("leader, grandchild and their sleeps run", BOUND, || (processes_with(&id).len() >= 4).then_some(()));
    let job = rig.ended(&id).await;
    assert_eq!(processes_with(&id), Vec::<i32>::new(), "nothing is left once the record is terminal");
    assert_eq!(job["state"], "failed", "{job}");
    let error = &job["error"];
    assert_eq!((&error["kind"], &error["signal"]), (&json!("timeout"), &json!("SIGKILL")), "{job}");
    assert_eq!(error["message"], "exceeded its 1 s deadline");
    assert_eq!(error["stderr_tail"], "going\n".trim_end(), "{job}");
    assert_eq!(job["killed_by"], "deadline");
    let wall = job["usage"]["wall_ms"].as_u64().expect("a number");
    assert!((1_500..10_000).contains(&wall), "deadline and grace: {job}");
    assert!(job["kill_ms"].as_u64().expect("a number") >= 500, "{job}");
    assert!(job["usage"]["max_rss_bytes"].as_u64().expect("a number") > 100_000, "{job}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_may_ask_for_less_time() {
    let mut rig = Installation::start("[tasks.hang]\ncommand = [\"sleep\", \"600\"]\ntimeout = \"10m\"\n").await;
    rig.add_worker(1).await;
    let rig = rig;
    let id = rig.submit("hang?timeout=300ms", &json!({})).await;
    let job = rig.ended(&id).await;
    assert_eq!((&job["error"]["kind"], &job["timeout_ms"]), (&json!("timeout"), &json!(300)), "{job}");
    assert_eq!(job["error"]["signal"], "SIGTERM", "it heeds TERM, so no KILL is needed: {job}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_daemon_changes_neither_the_deadline_nor_the_leases_limit() {
    for (lease, killed_by) in [("60s", "deadline"), ("3s", "lease")] {
        let tasks =
            if killed_by == "deadline" { TASK.replace("\"1s\"", "\"2s\"") } else { TASK.replace("\"1s\"", "\"10m\"") };
        let mut rig = Installation::start_with_lease(lease, &tasks).await;
        rig.add_worker(1).await;
        let id = rig.submit("stubborn", &json!({})).await;
        eventually("the tree stands", BOUND, || (processes_with(&id).len() >= 4).then_some(()));
        rig.workers[0].signal(Signal::SIGSTOP);
        // Nobody but the slot is there to end it.
        eventually(&format!("ended by the {killed_by}"), BOUND, || processes_with(&id).is_empty().then_some(()));
        rig.workers[0].signal(Signal::SIGCONT);
        let told = rig
            .job_until(&id, BOUND, "is told", |job| job["attempts"].as_array().is_some_and(|all| !all.is_empty()))
            .await;
        let first = &told["attempts"][0];
        // What a lease ended may have been counted as lost by the server before the daemon went on.
        let lost = killed_by == "lease" && first["outcome"] == "lost";
        assert!(lost || first["killed_by"] == killed_by, "{told}");
    }
}
