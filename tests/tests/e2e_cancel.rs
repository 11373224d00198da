//! Cancel is one durable key: by HTTP, by `SET` from outside, for a running job and for one no worker has seen.

use dayfly_tests::{Installation, eventually, processes_with};
use redis::AsyncCommands as _;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const TASK: &str = r#"
[tasks.stubborn]
command = ["sh", "-c", "trap '' TERM; setsid sh -c 'while :; do sleep 1; done' & while :; do sleep 1; done"]
kill_grace = "300ms"
[tasks.mark]
command = ["sh", "-c", "touch MARK"]
"#;

async fn running(rig: &Installation) -> String {
    let id = rig.submit("stubborn", &json!({})).await;
    eventually("leader, grandchild and their sleeps run", Duration::from_secs(5), || {
        (processes_with(&id).len() >= 4).then_some(())
    });
    id
}

fn assert_cancelled(job: &Value, id: &str) {
    assert_eq!(processes_with(id), Vec::<i32>::new(), "nothing is left once the record is terminal");
    assert_eq!(job["state"], "cancelled", "{job}");
    assert_eq!((&job["error"], &job["killed_by"]), (&Value::Null, &json!("cancel")), "{job}");
    assert!(job["usage"]["wall_ms"].is_u64(), "{job}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_job_is_cancelled_by_http() {
    let mut rig = Installation::start(TASK).await;
    rig.add_worker(1).await;
    let rig = rig;
    let id = running(&rig).await;
    let asked = Instant::now();
    let answer =
        rig.request("POST", &format!("/v1/jobs/{id}/cancel")).json(&json!({"reason": "changed my mind"})).send();
    let answer = answer.await.expect("an answer");
    assert_eq!(answer.status(), 202);
    let body: Value = answer.json().await.expect("JSON");
    assert!(body["cancel_requested_at"].is_string(), "{body}");
    let job = rig.ended(&id).await;
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_cancelled(&job, &id);
    assert_eq!(job["cancel_reason"], "changed my mind");
    let again = rig.request("POST", &format!("/v1/jobs/{id}/cancel")).send().await.expect("an answer");
    assert_eq!(again.status(), 200, "a cancelled job may be cancelled again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_job_is_cancelled_by_a_key_set_by_hand() {
    let mut rig = Installation::start(TASK).await;
    rig.add_worker(1).await;
    let rig = rig;
    let id = running(&rig).await;
    let asked = Instant::now();
    let _: () = rig.redis().await.set(format!("dayfly:{{0}}:cancel:{id}"), 1).await.expect("SET");
    let job = rig.ended(&id).await;
    assert!(asked.elapsed() < Duration::from_secs(2), "within a heartbeat and the grace: {:?}", asked.elapsed());
    assert_cancelled(&job, &id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_grace_kills_at_once() {
    let mut rig = Installation::start(&TASK.replace("300ms", "60s")).await;
    rig.add_worker(1).await;
    let rig = rig;
    let id = running(&rig).await;
    let asked = Instant::now();
    let path = format!("/v1/jobs/{id}/cancel");
    rig.request("POST", &path).json(&json!({"grace": "0s"})).send().await.expect("an answer");
    assert_cancelled(&rig.ended(&id).await, &id);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_cancelled_with_no_worker_up_never_starts() {
    let marks = tempfile::tempdir().expect("a folder");
    let mark = |name: &str| marks.path().join(name);
    let tasks =
        format!("[tasks.mark]\ncommand = [\"sh\", \"-c\", \"read -r name; touch {}/$name\"]\n", marks.path().display());
    let mut rig = Installation::start(&tasks).await;
    let by_http = rig.submit("mark", &json!("x")).await;
    let by_key = rig.submit("mark", &json!("x")).await;
    let answer = rig.request("POST", &format!("/v1/jobs/{by_http}/cancel")).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "a waiting job is cancelled at once");
    let _: () = rig.redis().await.set(format!("dayfly:{{0}}:cancel:{by_key}"), "by hand").await.expect("SET");
    rig.add_worker(2).await;
    let rig = rig;
    // The one after them has run, so their turn has come and gone.
    let after = rig.submit("mark", &json!("x")).await;
    assert_eq!(rig.ended(&after).await["state"], "succeeded");
    for id in [by_http, by_key] {
        let job = rig.ended(&id).await;
        assert_eq!(
            (&job["state"], &job["attempt"], &job["started_at"]),
            (&json!("cancelled"), &json!(0), &Value::Null),
            "{job}"
        );
    }
    let made = std::fs::read_dir(marks.path()).expect("a folder").count();
    assert_eq!((made, mark("\"x\"").exists()), (1, true), "only the last one ran");
}
