//! `wait_replicas` seen from outside: without the replica nothing new counts, what runs ends in time, and all goes on when it
//! is back.

use dayfly_tests::{Installation, Server, eventually, eventually_async, processes_with};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(30);
const TASKS: &str = "[tasks.long]\ncommand = [\"sleep\", \"600\"]\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_goes_stops_what_needs_it_and_nothing_else() {
    let primary = Server::start();
    let mut replica = Server::start_with(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    let mut rig = Installation::with_redis(primary, "wait_replicas = 1", "3s", "", TASKS).await;
    rig.add_worker(2).await;
    eventually_async("the replica has been filled and follows", BOUND, || async {
        let mut redis = rig.redis().await;
        let mut both = redis::pipe();
        both.cmd("SET").arg("any").arg(1).ignore().cmd("WAIT").arg(1).arg(100);
        let (confirmed,): (u32,) = both.query_async(&mut redis).await.ok()?;
        (confirmed == 1).then_some(())
    })
    .await;
    let id = rig.submit("long", &json!({})).await;
    rig.job_until(&id, BOUND, "runs", |job| job["state"] == "running").await;
    eventually("its process", BOUND, || (!processes_with(&id).is_empty()).then_some(()));

    replica.kill();
    let gone = Instant::now();
    let answer = rig.request("POST", "/v1/tasks/long").json(&json!({})).send().await.expect("an answer");
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let problem: Value = answer.json().await.expect("JSON");
    assert_eq!(problem["code"], "outcome_unknown", "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("replicas")), "{problem}");
    // Renewals that are not confirmed do not move the limit: a failover might know nothing of them.
    eventually("the job is ended", BOUND, || processes_with(&id).is_empty().then_some(()));
    println!("ended {:?} after the replica had gone, with leases of 3 s", gone.elapsed());
    assert!(gone.elapsed() < Duration::from_secs(4), "{:?}", gone.elapsed());

    replica.restart();
    let job = rig.job_until(&id, BOUND, "runs again", |job| job["state"] == "running" && job["attempt"] != 1).await;
    assert!(job["attempts"].as_array().is_some_and(|all| all.iter().all(|one| one["outcome"] != "failed")), "{job}");
    eventually("its process", BOUND, || (!processes_with(&id).is_empty()).then_some(()));
}
