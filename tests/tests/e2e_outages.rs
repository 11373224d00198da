//! Redis is away, frozen, read-only, full, or without its functions, while jobs run: none of them suffers for it, and all is
//! well again by itself.

use dayfly_tests::{Installation, Server, eventually, eventually_async, processes_with};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(30);
const TASKS: &str = r#"
[tasks.long]
command = ["sleep", "600"]
[tasks.short]
command = ["sh", "-c", "sleep 1; echo '\"done\"'"]
"#;

/// An installation with one long job at work; gives its id and the pids of its processes.
async fn at_work(lease_ttl: &str) -> (Installation, String, Vec<i32>) {
    let mut rig = Installation::on(Server::start_with(&["--appendfsync", "always"]), lease_ttl, "", TASKS).await;
    rig.add_worker(3).await;
    let id = rig.submit("long", &json!({})).await;
    rig.job_until(&id, BOUND, "runs", |job| job["state"] == "running").await;
    let pids = eventually("its processes", BOUND, || Some(processes_with(&id)).filter(|pids| !pids.is_empty()));
    (rig, id, pids)
}

/// The job is in its first attempt still, in the same processes, and a new one is taken and run.
async fn unharmed(rig: &Installation, id: &str, pids: &[i32]) {
    let next = eventually_async("a new job is taken", BOUND, || async {
        let answer = rig.request("POST", "/v1/tasks/short").json(&json!({})).send().await.ok()?;
        let body: Value = answer.json().await.ok()?;
        body["id"].as_str().map(str::to_owned)
    })
    .await;
    assert_eq!(rig.ended(&next).await["result"], "done");
    let job = rig.job(id).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("running"), &json!(1)), "{job}");
    assert_eq!(processes_with(id), pids);
}

async fn refused(rig: &Installation) -> Value {
    eventually_async("a submission is refused", BOUND, || async {
        let answer = rig.request("POST", "/v1/tasks/short").json(&json!({})).send().await.ok()?;
        if answer.status() != 503 {
            return None;
        }
        assert!(answer.headers().contains_key("retry-after"));
        answer.json().await.ok()
    })
    .await
}

async fn tell(rig: &Installation, words: &[&str]) {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async::<redis::Value>(&mut rig.redis().await).await.expect("an answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_seconds_without_redis_end_no_job() {
    let (mut rig, id, pids) = at_work("60s").await;
    let short = rig.submit("short", &json!({})).await;
    rig.job_until(&short, BOUND, "runs", |job| job["state"] == "running").await;
    rig.server.kill();
    let away = Instant::now();
    assert_eq!(refused(&rig).await["code"], "redis_unavailable");
    // The length of the outage is the subject.
    tokio::time::sleep(Duration::from_secs(10).saturating_sub(away.elapsed())).await;
    rig.server.restart();
    let ended = rig.ended(&short).await;
    assert_eq!((&ended["state"], &ended["attempt"]), (&json!("succeeded"), &json!(1)), "ended meanwhile: {ended}");
    unharmed(&rig, &id, &pids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_longer_than_a_lease_ends_jobs_in_time_and_costs_them_nothing() {
    let (mut rig, id, _) = at_work("3s").await;
    rig.server.kill();
    let away = Instant::now();
    eventually("the job is ended before its lease is", BOUND, || processes_with(&id).is_empty().then_some(()));
    let taken = away.elapsed();
    assert!(taken < Duration::from_secs(3), "by L at the latest: {taken:?}");
    tokio::time::sleep(Duration::from_secs(4).saturating_sub(away.elapsed())).await;
    rig.server.restart();
    let job = rig.job_until(&id, BOUND, "runs again", |job| job["attempt"] == 2 && job["state"] == "running").await;
    let first = &job["attempts"][0];
    assert_eq!((&first["outcome"], &first["killed_by"]), (&json!("drained"), &json!("lease")), "{job}");
    let mut redis = rig.redis().await;
    let spent: Vec<Option<u32>> = redis::cmd("HMGET")
        .arg(format!("dayfly:{{0}}:job:{id}"))
        .arg(&["failures", "lost"])
        .query_async(&mut redis)
        .await
        .expect("an answer");
    assert!(spent.iter().all(|count| count.unwrap_or(0) == 0), "neither budget is touched: {spent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_harms_nobody() {
    let (rig, id, pids) = at_work("60s").await;
    rig.server.freeze(true);
    let problem = refused(&rig).await;
    assert!(["redis_unavailable", "outcome_unknown"].contains(&problem["code"].as_str().unwrap_or("")), "{problem}");
    rig.server.freeze(false);
    unharmed(&rig, &id, &pids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_a_replica_for_a_while_harms_nobody() {
    let (rig, id, pids) = at_work("60s").await;
    let short = rig.submit("short", &json!({})).await;
    rig.job_until(&short, BOUND, "runs", |job| job["state"] == "running").await;
    // Of nobody: it keeps its data and refuses writes.
    tell(&rig, &["REPLICAOF", "127.0.0.1", "1"]).await;
    assert_eq!(refused(&rig).await["code"], "redis_unavailable");
    eventually("the short one has ended", BOUND, || processes_with(&short).is_empty().then_some(()));
    tell(&rig, &["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(rig.ended(&short).await["attempt"], 1);
    unharmed(&rig, &id, &pids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_lets_jobs_end_and_takes_new_ones_once_there_is_room() {
    let (rig, id, pids) = at_work("60s").await;
    let short = rig.submit("short", &json!({})).await;
    tell(&rig, &["CONFIG", "SET", "maxmemory", "1"]).await;
    assert!(refused(&rig).await["detail"].as_str().is_some_and(|detail| detail.contains("out of memory")));
    assert_eq!(rig.ended(&short).await["state"], "succeeded", "claimed, run and ended on the full server");
    tell(&rig, &["CONFIG", "SET", "maxmemory", "0"]).await;
    unharmed(&rig, &id, &pids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_got_over() {
    let Some(server) = Server::start_on_small_disk(8) else { return };
    let mut rig = Installation::on(server, "60s", "", TASKS).await;
    rig.add_worker(2).await;
    let id = rig.submit("long", &json!({})).await;
    rig.job_until(&id, BOUND, "runs", |job| job["state"] == "running").await;
    let pids = eventually("its processes", BOUND, || Some(processes_with(&id)).filter(|pids| !pids.is_empty()));
    let filler = "x".repeat(1 << 20);
    let mut redis = rig.redis().await;
    let full = eventually_async("the disk is full", BOUND, || async {
        let mut redis = redis.clone();
        let set = redis::cmd("SET").arg("filler").arg(&filler).query_async::<()>(&mut redis).await;
        set.err().map(|error| error.to_string())
    })
    .await;
    assert!(full.contains("MISCONF"), "{full}");
    let problem = refused(&rig).await;
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("disk")), "{problem}");
    // Room again: what was appended is rewritten to what there is.
    redis::cmd("CONFIG").arg(&["SET", "appendonly", "no"]).query_async::<()>(&mut redis).await.expect("an answer");
    eventually_async("it writes again", BOUND, || async {
        let mut redis = redis.clone();
        redis::cmd("DEL").arg("filler").query_async::<i64>(&mut redis).await.ok()
    })
    .await;
    unharmed(&rig, &id, &pids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushed_functions_and_cut_connections_are_not_even_noticed() {
    let (rig, id, pids) = at_work("60s").await;
    for _ in 0..5 {
        tell(&rig, &["FUNCTION", "FLUSH"]).await;
        let one = rig.submit("short", &json!({})).await;
        tell(&rig, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
        assert_eq!(rig.ended(&one).await["attempt"], 1);
    }
    unharmed(&rig, &id, &pids).await;
}
