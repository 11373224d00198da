//! `[worker] metrics_listen`: what a worker's jobs did.

use dayfly_tests::{Installation, eventually_async, free_port, scrape::Scrape};
use serde_json::json;
use std::time::Duration;

const TASKS: &str = r#"
[tasks.burn]
command = ["sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"]
[tasks.sleep]
command = ["sleep", "60"]
timeout = "200ms"
kill_grace = "1s"
"#;

async fn scraped(address: &str) -> Scrape {
    let told = reqwest::get(format!("http://{address}/metrics")).await.expect("an answer");
    Scrape::read(&told.text().await.expect("a text"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_waits_and_kills_are_measured() {
    let address = format!("127.0.0.1:{}", free_port());
    let mut rig = Installation::start_with(&format!("metrics_listen = \"{address}\""), TASKS).await;
    rig.add_worker(2).await;
    let told = scraped(&address).await;
    assert_eq!(told.value("dayfly_job_run_seconds_count", &[("task", "burn")]), Some(0.0), "there from the beginning");
    let (burn, sleep) = (rig.submit("burn", &json!({})).await, rig.submit("sleep", &json!({})).await);
    rig.ended(&burn).await;
    rig.ended(&sleep).await;
    let told = eventually_async("both ends are counted", Duration::from_secs(10), || async {
        let told = scraped(&address).await;
        let count = |task, outcome| told.value("dayfly_attempts_total", &[("outcome", outcome), ("task", task)]);
        (count("burn", "succeeded") == Some(1.0) && count("sleep", "failed") == Some(1.0)).then_some(told)
    })
    .await;
    for task in ["burn", "sleep"] {
        assert_eq!(told.value("dayfly_job_run_seconds_count", &[("task", task)]), Some(1.0));
        assert_eq!(told.value("dayfly_job_wait_seconds_count", &[("task", task)]), Some(1.0));
    }
    assert!(told.value("dayfly_job_run_seconds_sum", &[("task", "sleep")]).is_some_and(|sum| sum >= 0.2));
    assert!(told.value("dayfly_job_cpu_seconds_total", &[("task", "burn")]).is_some_and(|sum| sum > 0.0));
    assert_eq!(told.value("dayfly_kill_seconds_count", &[("by", "deadline")]), Some(1.0));
    assert_eq!(told.value("dayfly_redis_up", &[]), Some(1.0));
    assert!(told.value("dayfly_redis_command_seconds_count", &[("command", "dayfly_heartbeat")]) >= Some(1.0));

    let client = reqwest::Client::new();
    assert_eq!(client.get(format!("http://{address}/")).send().await.expect("an answer").status(), 404);
    assert_eq!(client.post(format!("http://{address}/metrics")).send().await.expect("an answer").status(), 405);
    rig.server.kill();
    eventually_async("Redis is seen to be away", Duration::from_secs(10), || async {
        (scraped(&address).await.value("dayfly_redis_up", &[]) == Some(0.0)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_port_is_a_fault() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let mut rig = Installation::start_with(&format!("metrics_listen = \"{address}\""), TASKS).await;
    rig.add_worker_later(1);
    let status = rig.workers[0].wait(Duration::from_secs(20));
    assert_eq!(status.code(), Some(1));
    assert!(rig.workers[0].output().contains("metrics_listen"), "{}", rig.workers[0].output());
}
