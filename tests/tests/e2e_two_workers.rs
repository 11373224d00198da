//! Two workers share a queue. One is killed: its jobs' processes are gone within a second, the jobs run again on the other
//! once the lease is over, and none is lost.

use dayfly_tests::{Installation, eventually, processes_with};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::time::Duration;

const TASK: &str = r#"
[tasks.nap]
command = ["sh", "-c", "setsid sleep 2; echo '\"rested\"'"]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_jobs_of_a_killed_worker_run_again_elsewhere() {
    let mut rig = Installation::start(TASK).await;
    rig.add_worker(2).await;
    rig.add_worker(2).await;
    let first = rig.worker_id(0).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(rig.submit("nap", &json!({})).await);
    }
    let mut victims: Vec<String> = Vec::new();
    for id in &ids[..4] {
        let job = rig.job_until(id, Duration::from_secs(5), "runs", |job| job["state"] == "running").await;
        if job["worker"]["id"] == first.as_str() {
            victims.push(id.clone());
        }
    }
    assert_eq!(victims.len(), 2, "both workers have taken jobs");
    for id in &victims {
        eventually("its processes run", Duration::from_secs(5), || (!processes_with(id).is_empty()).then_some(()));
    }
    rig.workers[0].signal(Signal::SIGKILL);
    for id in &victims {
        eventually("its processes are gone", Duration::from_secs(1), || processes_with(id).is_empty().then_some(()));
    }
    for id in &ids {
        let job = rig.ended(id).await;
        assert_eq!((&job["state"], &job["result"]), (&json!("succeeded"), &json!("rested")), "{job}");
        let attempts = if victims.contains(id) { 2 } else { 1 };
        assert_eq!(job["attempt"], attempts, "{job}");
        if victims.contains(id) {
            assert_ne!(job["worker"]["id"], first.as_str(), "{job}");
            let history: Vec<&Value> = job["attempts"].as_array().expect("a list").iter().collect();
            assert_eq!(history[0]["outcome"], "lost", "{job}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_worker_gives_its_jobs_back_unharmed() {
    let mut rig = Installation::start(&TASK.replace("sleep 2", "sleep 600")).await;
    rig.add_worker(1).await;
    let id = rig.submit("nap", &json!({})).await;
    eventually("its processes run", Duration::from_secs(5), || (!processes_with(&id).is_empty()).then_some(()));
    rig.workers[0].signal(Signal::SIGTERM);
    eventually("it drains", Duration::from_secs(5), || rig.workers[0].output().contains("draining").then_some(()));
    assert_eq!(rig.job(&id).await["state"], "running", "a drain waits for running jobs");
    rig.workers[0].signal(Signal::SIGTERM);
    let status = rig.workers[0].wait(Duration::from_secs(10));
    assert_eq!(status.code(), Some(0), "drained");
    assert_eq!(processes_with(&id), Vec::<i32>::new());
    let job = rig.job(&id).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("queued"), &json!(1)), "{job}");
    assert_eq!(job["attempts"][0]["outcome"], "drained", "{job}");
    assert_eq!(rig.get("/v1/workers").await["items"], json!([]));
}
