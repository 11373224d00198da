//! POST /v1/workers/{id}/drain: a worker is asked to leave, and leaves.

use dayfly_common::queue::Beat;
use dayfly_tests::{Api, Hand, Installation, task};
use serde_json::json;
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_worker_shows_at_once_that_it_drains_and_hears_it_with_its_heartbeat() {
    let api = Api::start(vec![task("a")]).await;
    let hand = Hand::new(&api.queue, &[task("a")]).await;
    assert_eq!(api.get("/v1/workers").await.json()["items"][0]["draining"], json!(false));
    for _ in 0..2 {
        let asked = api.post(&format!("/v1/workers/{}/drain", hand.id())).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        assert_eq!((&asked.json()["id"], &asked.json()["draining"]), (&json!(hand.id()), &json!(true)));
    }
    assert_eq!(api.get("/v1/workers").await.json()["items"][0]["draining"], json!(true));
    let beat = Beat { presence: hand.presence().clone(), held: Vec::new(), ttl_ms: 30_000 };
    assert!(api.queue.heartbeat(&beat).await.expect("an answer").drain);
    api.queue.depart(hand.id()).await.expect("an answer");
    let gone = api.post(&format!("/v1/workers/{}/drain", hand.id())).await;
    gone.must_be_problem(404, "unknown_worker", "GET /v1/workers");
    api.post("/v1/workers/a%2Fb%20c/drain").await.must_be_problem(404, "unknown_worker", "`a/b c`");
    api.get(&format!("/v1/workers/{}/drain", hand.id())).await.must_be_problem(405, "method_not_allowed", "GET");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draining_worker_ends_its_job_takes_no_other_and_leaves() {
    let gate = tempfile::tempdir().expect("a folder");
    let go = gate.path().join("go");
    let wait = format!("until test -e {}; do sleep 0.05; done; echo 1", go.display());
    let program = format!("[tasks.short]\ncommand = [\"sh\", \"-c\", \"{wait}\"]\n");
    let mut rig = Installation::start(&program).await;
    rig.add_worker(1).await;
    let running = rig.submit("short", &json!({})).await;
    rig.job_until(&running, BOUND, "runs", |job| job["state"] == "running").await;
    let waiting = rig.submit("short", &json!({})).await;
    let worker = rig.worker_id(0).await;
    let asked = rig.request("POST", &format!("/v1/workers/{worker}/drain")).send().await.expect("an answer");
    assert_eq!(asked.status(), 202);
    dayfly_tests::eventually("it has heard of it", BOUND, || {
        rig.workers[0].output().contains("asked to drain").then_some(())
    });
    std::fs::write(go, "").expect("a file");
    assert!(rig.workers[0].wait(BOUND).success());
    assert_eq!(rig.job(&running).await["state"], "succeeded");
    assert_eq!(rig.job(&waiting).await["state"], "queued");
    assert_eq!(rig.get("/v1/workers").await["items"], json!([]));
}
