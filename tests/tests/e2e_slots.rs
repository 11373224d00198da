//! Four slots, five jobs: each POST is answered before any job ends, four run, the fifth starts when one ends.

use dayfly_tests::Installation;
use serde_json::json;
use std::time::Duration;

const TASK: &str = r#"
[tasks.nap]
command = ["sh", "-c", "sleep 2; echo '\"rested\"'"]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fifth_job_waits_for_a_free_slot() {
    let mut rig = Installation::start(TASK).await;
    rig.add_worker(4).await;
    let rig = rig;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(rig.submit("nap", &json!(null)).await);
    }
    for id in &ids {
        let job = rig.job(id).await;
        assert!(job["finished_at"].is_null(), "a job ended before the last POST was answered: {job}");
    }
    let running = rig.job_until(&ids[3], Duration::from_secs(5), "runs", |job| job["state"] == "running").await;
    assert!(running["worker"]["id"].is_string(), "{running}");
    let fifth = rig.job(&ids[4]).await;
    assert_eq!(fifth["state"], "queued", "{fifth}");
    let mut ended = Vec::new();
    for id in &ids {
        ended.push(rig.ended(id).await);
    }
    let time = |job: &serde_json::Value, field: &str| job[field].as_str().expect("a time").to_owned();
    let first_end = ended[..4].iter().map(|job| time(job, "finished_at")).min().expect("four");
    let last_start = ended[..4].iter().map(|job| time(job, "started_at")).max().expect("four");
    assert!(last_start < first_end, "four run side by side");
    assert!(time(&ended[4], "started_at") >= first_end, "the fifth starts when one has ended");
    for job in &ended {
        assert_eq!((&job["state"], &job["result"]), (&json!("succeeded"), &json!("rested")), "{job}");
        assert!(job["usage"]["wall_ms"].as_u64().expect("a number") >= 2_000, "{job}");
    }
}
