//! A server that comes back empty: said loudly, and nothing goes on as if all were well until people say so.

use dayfly_tests::{Installation, eventually, eventually_async, processes_with};
use serde_json::json;
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(20);
const TASKS: &str = r#"
[tasks.nap]
command = ["sleep", "600"]
[tasks.quick]
command = ["true"]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_or_run_until_the_parts_are_restarted() {
    let mut rig = Installation::start(TASKS).await;
    rig.add_worker(2).await;
    let id = rig.submit("nap", &json!({})).await;
    eventually("it runs", BOUND, || (!processes_with(&id).is_empty()).then_some(()));
    let mut redis = rig.redis().await;
    redis::cmd("FLUSHALL").query_async::<()>(&mut redis).await.expect("empty");

    eventually("the worker says so", BOUND, || rig.workers[0].output().contains("lost all its data").then_some(()));
    eventually("what nobody can report on any more is ended", BOUND, || processes_with(&id).is_empty().then_some(()));
    let refused = eventually_async("the API says so", BOUND, || async {
        let answer = rig.request("GET", "/readyz").send().await.ok()?;
        (answer.status() == 503).then_some(answer)
    })
    .await;
    assert!(refused.headers().contains_key("retry-after"));
    let answer = rig.request("POST", "/v1/tasks/quick").json(&json!({})).send().await.expect("an answer");
    let status = answer.status();
    let problem: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!((status.as_u16(), problem["code"].as_str()), (503, Some("redis_unavailable")), "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("lost all its data")), "{problem}");

    // Restarting the API is to say: go on. The worker has not been told yet.
    rig.restart_api().await;
    let quick = rig.submit("quick", &json!({})).await;
    let seen = rig.workers[0].output().len();
    rig.restart_worker(0, 1);
    assert_eq!(rig.ended(&quick).await["state"], "succeeded", "{seen}");
}
