//! `max_running` from the outside: real workers with room for more, and an owner who may use only some of it.

use dayfly_common::{model::Token, queue::Quota};
use dayfly_tests::{Installation, answer, eventually_async, make_token, queue};
use serde_json::Value;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);
/// `trace` tells when each began and ended.
const TASKS: &str = r#"
[tasks.turn]
command = ["sh", "-c", "echo + >>$TRACE; sleep 0.2; echo - >>$TRACE"]
env = { TRACE = "%TRACE%" }
[tasks.quick]
command = ["true"]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_uses_no_more_slots_than_may_be() {
    let dir = tempfile::tempdir().expect("a folder");
    let trace = dir.path().join("trace");
    let mut rig = Installation::start(&TASKS.replace("%TRACE%", &trace.display().to_string())).await;
    rig.add_worker(4).await;
    let queue = queue(&rig.server.url());
    let quota = Quota { max_running: Some(2), ..Quota::default() };
    queue.set_quota(&"ada".parse().expect("an owner"), &quota).await.expect("set");
    let (ada, bob) = (make_token(&queue, "ada", "read,submit").await, make_token(&queue, "bob", "read,submit").await);
    let ask = async |token: &Token, method: &str, path: &str| {
        answer(rig.request(method, path).bearer_auth(token.reveal())).await.json()
    };
    let mut hers = Vec::new();
    for _ in 0..8 {
        hers.push(ask(&ada, "POST", "/v1/tasks/turn").await["id"].as_str().expect("an id").to_owned());
    }
    let held_back = |job: &Value| job["warnings"].to_string().contains("max_running");
    let parked = eventually_async("a job waits for the owner's own", LONG, async || {
        let job = ask(&ada, "GET", &format!("/v1/jobs/{}", hers[7])).await;
        (job["state"] != "queued" || held_back(&job)).then_some(job)
    })
    .await;
    assert!(held_back(&parked), "{parked}");
    assert!(parked["estimated_start_at"].is_null() && parked["queue_position"].is_u64(), "{parked}");
    let his = ask(&bob, "POST", "/v1/tasks/quick").await;
    let his = format!("/v1/jobs/{}", his["id"].as_str().expect("an id"));
    let ended = eventually_async("another owner's job has ended", LONG, async || {
        Some(ask(&bob, "GET", &his).await).filter(|job| job["finished_at"].is_string())
    })
    .await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
    for id in &hers {
        eventually_async("every job runs in its turn", LONG, async || {
            let job = ask(&ada, "GET", &format!("/v1/jobs/{id}")).await;
            (job["state"] == "succeeded").then_some(())
        })
        .await;
    }
    let (mut running, mut most) = (0_i32, 0);
    let told = std::fs::read_to_string(&trace).expect("a trace");
    for line in told.lines() {
        running += if line == "+" { 1 } else { -1 };
        most = most.max(running);
    }
    assert_eq!((told.lines().count(), running, most), (16, 0, 2), "{told}");
}
