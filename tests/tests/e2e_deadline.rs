//! A job that hangs, ignores SIGTERM and has a `setsid` grandchild is gone at deadline + grace, and only then does its
//! record say so.

use dayfly_tests::{Installation, processes_with};
use serde_json::json;
use std::time::Duration;

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
    dayfly_tests::eventually("leader, grandchild and their sleeps run", Duration::from_secs(5), || {
        (processes_with(&id).len() >= 4).then_some(())
    });
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
