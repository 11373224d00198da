//! `GET /metrics` of an API: what happens is counted, nobody but the configuration makes a label, and Redis may be away.

use dayfly_common::model::{ErrorKind, JobError, Outcome};
use dayfly_tests::{Api, Hand, answer, eventually_async, scrape::Scrape, task};
use reqwest::Method;
use std::time::Duration;

async fn scraped(api: &Api) -> Scrape {
    let told = api.get("/metrics").await;
    assert_eq!((told.status, told.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"));
    Scrape::read(&told.text())
}

/// Once what is kept for a second is read anew.
async fn eventually(api: &Api, name: &str, labels: &[(&str, &str)], value: f64) -> Scrape {
    eventually_async((name.to_owned(), value), Duration::from_secs(10), || async {
        let told = scraped(api).await;
        (told.value(name, labels) == Some(value)).then_some(told)
    })
    .await
}

fn timeout() -> Outcome {
    Outcome::Failed(JobError {
        kind: ErrorKind::Timeout,
        message: "too long".to_owned(),
        exit_code: None,
        signal: None,
        retryable: false,
        stderr_tail: String::new(),
    })
}

#[tokio::test]
async fn what_happens_to_jobs_is_counted() {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    for _ in 0..4 {
        assert_eq!(api.post("/v1/tasks/any").await.status, 202);
    }
    let delayed = api.post("/v1/tasks/any?delay=1h").await;
    let told = eventually(&api, "dayfly_jobs", &[("state", "queued"), ("task", "any")], 4.0).await;
    assert_eq!(told.value("dayfly_jobs", &[("state", "scheduled"), ("task", "any")]), Some(1.0));
    assert_eq!(told.value("dayfly_jobs_submitted_total", &[("task", "any")]), Some(5.0));
    assert_eq!(told.value("dayfly_workers", &[]), Some(1.0));
    assert_eq!(told.value("dayfly_worker_slots", &[("state", "free")]), Some(4.0));
    assert_eq!(told.value("dayfly_task_workers", &[("task", "any")]), Some(1.0));
    let lost = [("kind", "lost"), ("state", "failed"), ("task", "any")];
    assert_eq!(told.value("dayfly_jobs_finished_total", &lost), Some(0.0), "there before the first");
    assert_eq!(told.value("dayfly_redis_up", &[]), Some(1.0));
    assert!(told.value("dayfly_redis_memory_bytes", &[]).is_some_and(|bytes| bytes > 1e5));
    assert!(told.value("dayfly_redis_command_seconds_count", &[("command", "dayfly_submit")]) >= Some(5.0));

    hand.succeed(hand.claim().await, "1").await;
    let failed = hand.claim().await;
    let id = failed.id;
    hand.finish(failed, timeout()).await;
    assert_eq!(api.post(&format!("{}/cancel", delayed.header("location"))).await.status, 200);
    assert_eq!(api.post(&format!("/v1/jobs/{id}/retry")).await.status, 202);
    let finished = "dayfly_jobs_finished_total";
    let told = eventually(&api, finished, &[("kind", "timeout"), ("state", "failed"), ("task", "any")], 1.0).await;
    assert_eq!(told.value(finished, &[("kind", ""), ("state", "succeeded"), ("task", "any")]), Some(1.0));
    assert_eq!(told.value(finished, &[("kind", ""), ("state", "cancelled"), ("task", "any")]), Some(1.0));
    assert_eq!(told.value("dayfly_jobs_submitted_total", &[("task", "any")]), Some(6.0), "a retry is a new job");
    let posts = [("method", "POST"), ("route", "/v1/tasks/{task}"), ("status", "202")];
    assert_eq!(told.value("dayfly_http_requests_total", &posts), Some(5.0));
}

#[tokio::test]
async fn a_forgotten_task_leaves_no_series() {
    let api = Api::start(Vec::new()).await;
    let hand = Hand::new(&api.queue, &[task("gone")]).await;
    assert_eq!(api.post("/v1/tasks/gone").await.status, 202);
    hand.finish(hand.claim().await, timeout()).await;
    let failed = [("kind", "timeout"), ("state", "failed"), ("task", "gone")];
    eventually(&api, "dayfly_jobs_finished_total", &failed, 1.0).await;
    api.queue.depart(hand.id()).await.expect("it leaves");
    assert_eq!(answer(api.ask(Method::DELETE, "/v1/tasks/gone")).await.status, 204);
    eventually_async("its series are gone", Duration::from_secs(10), || async {
        let told = scraped(&api).await;
        (told.value("dayfly_jobs_finished_total", &failed).is_none()
            && told.value("dayfly_jobs", &[("state", "queued"), ("task", "gone")]).is_none())
        .then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_oldest_job_is_found_behind_more_urgent_ones() {
    let api = Api::start(vec![task("any")]).await;
    assert_eq!(api.post("/v1/tasks/any?priority=9").await.status, 202);
    eventually_async("it is two seconds old", Duration::from_secs(20), || async {
        assert_eq!(api.post("/v1/tasks/any?priority=0").await.status, 202);
        let oldest = scraped(&api).await.value("dayfly_queue_oldest_seconds", &[("task", "any")]);
        (oldest >= Some(2.0)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_ran_out_is_counted() {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    assert_eq!(api.post("/v1/tasks/any").await.status, 202);
    let claim = hand.claim().await;
    assert_eq!(scraped(&api).await.value("dayfly_leases_expired_total", &[]), Some(0.0));
    let by_hand = dayfly_tests::rig::Hand::of(&api.server.url()).await;
    let leases = api.queue.keys().leases();
    let _: i64 = by_hand.get(&["ZADD", &leases, "XX", "CH", "1", &claim.id.to_string()]).await;
    eventually(&api, "dayfly_leases_expired_total", &[], 1.0).await;
}

#[tokio::test]
async fn clients_make_no_labels() {
    let api = Api::start(vec![task("any")]).await;
    for path in ["/v1/tasks/invented", "/v1/tasks/any%22%0Aevil", "/invented/async"] {
        assert!((400..500).contains(&api.post(path).await.status), "{path}");
    }
    assert_eq!(api.get("/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90").await.status, 404);
    let brew = Method::from_bytes(b"BREW").expect("a method");
    assert_eq!(answer(api.ask(brew, "/v1/jobs")).await.status, 405);
    let told = scraped(&api).await;
    assert!(!told.labels("task").contains("invented"));
    let routes = told.labels("route");
    let known = ["/v1/tasks/{task}", "/v1/jobs/{id}", "/v1/jobs", "other"];
    assert_eq!(routes, known.into_iter().collect());
    assert!(told.labels("method").contains("other"));
}

#[tokio::test]
async fn it_answers_while_redis_is_away_also_who_shows_a_token() {
    let mut api = Api::start(vec![task("any")]).await;
    let token = api.token("prometheus", "read").await;
    let submits = api.token("ada", "submit").await;
    let ask = |token| api.ask_as(token, Method::GET, "/metrics");
    assert_eq!(answer(ask(&submits)).await.status, 403);
    assert_eq!(api.get("/metrics").await.status, 401);
    assert_eq!(Scrape::read(&answer(ask(&token)).await.text()).value("dayfly_redis_up", &[]), Some(1.0));
    api.server.kill();
    let told = eventually_async("it is told", Duration::from_secs(10), || async {
        let told = answer(api.ask_as(&token, Method::GET, "/metrics")).await;
        assert_eq!(told.status, 200, "{}", told.text());
        let told = Scrape::read(&told.text());
        (told.value("dayfly_redis_up", &[]) == Some(0.0)).then_some(told)
    })
    .await;
    assert_eq!(told.labels("task").len(), 0, "what Redis alone knows is left out");
    api.server.restart();
    eventually_async("it is back", Duration::from_secs(10), || async {
        let told = Scrape::read(&answer(api.ask_as(&token, Method::GET, "/metrics")).await.text());
        (told.value("dayfly_redis_up", &[]) == Some(1.0)).then_some(())
    })
    .await;
}
