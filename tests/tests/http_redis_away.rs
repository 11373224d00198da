//! Without Redis: problems that say so, no delay without bound, and recovery by itself.

use dayfly_tests::{Api, answer, eventually_async, task};
use reqwest::Method;
use std::time::{Duration, Instant};

const JOB: &str = "/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90";

#[tokio::test]
async fn alive_and_ready_differ() {
    let mut api = Api::start(vec![task("any")]).await;
    assert_eq!(api.get("/healthz").await.json()["status"], "ok");
    let ready = api.get("/readyz").await;
    assert_eq!((ready.status, ready.json()["status"].clone()), (200, "ready".into()), "{}", ready.text());
    api.server.kill();
    assert_eq!(api.get("/healthz").await.status, 200);
    let away = api.get("/readyz").await;
    away.must_be_problem(503, "redis_unavailable", "cannot be reached");
    assert!(!away.text().contains(&api.server.port().to_string()), "{}", away.text());
}

#[tokio::test]
async fn every_route_says_that_redis_is_away() {
    let mut api = Api::start(vec![task("any")]).await;
    api.server.kill();
    let paths = [
        (Method::GET, "/v1/jobs".to_owned()),
        (Method::GET, JOB.to_owned()),
        (Method::GET, format!("{JOB}/result")),
        (Method::GET, format!("{JOB}/logs")),
        (Method::POST, format!("{JOB}/cancel")),
        (Method::GET, "/v1/tasks".to_owned()),
        (Method::GET, "/v1/tasks/any".to_owned()),
        (Method::POST, "/v1/tasks/any/pause".to_owned()),
        (Method::GET, "/v1/workers".to_owned()),
        (Method::POST, "/v1/tasks/any".to_owned()),
        (Method::POST, "/v1/tasks/perhaps-a-workers".to_owned()),
    ];
    for (method, path) in paths {
        let begun = Instant::now();
        let away = answer(api.ask(method, &path).header("prefer", "wait=5")).await;
        away.must_be_problem(503, "redis_unavailable", "Redis");
        assert_eq!(away.header("retry-after"), "1", "{path}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{path}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn it_recovers_by_itself() {
    let mut api = Api::start(vec![task("any")]).await;
    assert_eq!(api.post("/v1/tasks/any").await.status, 202);
    api.server.restart();
    let posted = eventually_async("a job is taken again", Duration::from_secs(10), || async {
        Some(api.post("/v1/tasks/any").await).filter(|answer| answer.status == 202)
    })
    .await;
    assert_eq!(api.get(posted.header("location")).await.status, 200);
}

#[tokio::test]
async fn a_full_server_takes_no_job_and_says_why() {
    let api = Api::start(vec![task("any")]).await;
    let client = redis::Client::open(api.server.url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let mut set = redis::cmd("CONFIG");
    let _: () = set.arg("SET").arg("maxmemory").arg("1").query_async(&mut connection).await.expect("an answer");
    let refused = api.post("/v1/tasks/any").await;
    refused.must_be_problem(503, "redis_unavailable", "out of memory");
    assert_eq!(api.get("/v1/jobs").await.status, 200);
}

#[tokio::test]
async fn a_server_that_hangs_leaves_the_outcome_unknown_and_the_same_key_settles_it() {
    let api = Api::start(vec![task("any")]).await;
    assert_eq!(api.post("/v1/tasks/any").await.status, 202);
    // Open connections to spare, whatever the API's own upkeep is doing at that moment: with a new one nothing would be sent,
    // and the outcome would be known.
    futures_util::future::join_all((0..8).map(|_| api.get("/v1/jobs"))).await;
    let pid = nix::unistd::Pid::from_raw(api.server.pid().and_then(|pid| i32::try_from(pid).ok()).expect("a pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).expect("stopped");
    let keyed = || api.ask(Method::POST, "/v1/tasks/any").header("idempotency-key", "k").body("[1]");
    let unknown = answer(keyed()).await;
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).expect("continued");
    unknown.must_be_problem(503, "outcome_unknown", "same Idempotency-Key");
    assert_eq!(unknown.header("retry-after"), "1");
    let job = unknown.member("job");
    let settled = answer(keyed()).await;
    assert_eq!((settled.status, settled.member("id")), (202, job), "{}", settled.text());
    assert_eq!(api.get("/v1/jobs?state=queued").await.json()["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn due_jobs_move_with_no_worker_up() {
    let api = Api::start(vec![task("any")]).await;
    let location = api.post("/v1/tasks/any?delay=1s").await.header("location").to_owned();
    let expiring = api.post("/v1/tasks/any?expires=1s").await.header("location").to_owned();
    assert_eq!(api.get(&location).await.json()["state"], "scheduled");
    eventually_async("it is due", Duration::from_secs(10), || async {
        Some(api.get(&location).await.json()).filter(|job| job["state"] == "queued")
    })
    .await;
    let expired = answer(api.ask(Method::GET, &expiring).header("prefer", "wait=5")).await.json();
    assert_eq!((&expired["state"], &expired["error"]["kind"]), (&"failed".into(), &"expired".into()));
}
