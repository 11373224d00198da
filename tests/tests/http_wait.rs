//! `Prefer: wait=N`: an answer when the job has ended, or when the time is over.

use dayfly_common::model::{ErrorKind, JobError, Outcome};
use dayfly_tests::{Answer, Api, Hand, answer, eventually_async, task};
use reqwest::Method;
use std::time::{Duration, Instant};

async fn ask(api: &Api, method: Method, path: &str, prefer: &str) -> Answer {
    answer(api.ask(method, path).header("prefer", prefer)).await
}

async fn with_worker() -> (Api, Hand) {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    (api, hand)
}

#[tokio::test]
async fn a_post_that_waits_gets_the_result() {
    let (api, hand) = with_worker().await;
    let work = async { hand.succeed(hand.claim().await, r#"{"x": 0.10}"#).await };
    let begun = Instant::now();
    let (answer, ()) = tokio::join!(ask(&api, Method::POST, "/v1/tasks/any", "respond-async, wait=5"), work);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("preference-applied"), "wait=5");
    assert_eq!(answer.json()["state"], "succeeded");
    assert!(answer.text().contains(r#""result":{"x": 0.10}"#), "{}", answer.text());
    assert!(begun.elapsed() < Duration::from_secs(3), "woken, not timed out");
}

#[tokio::test]
async fn a_failure_is_an_end_too() {
    let (api, hand) = with_worker().await;
    let work = async {
        let error = JobError {
            kind: ErrorKind::ExitCode,
            message: "exit code 3".to_owned(),
            exit_code: Some(3),
            signal: None,
            retryable: false,
            stderr_tail: "oh".to_owned(),
        };
        hand.finish(hand.claim().await, Outcome::Failed(error)).await;
    };
    let (answer, ()) = tokio::join!(ask(&api, Method::POST, "/v1/tasks/any", "wait=5"), work);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let job = answer.json();
    assert_eq!((&job["state"], &job["error"]["kind"]), (&"failed".into(), &"exit_code".into()));
    assert_eq!((&job["error"]["exit_code"], &job["error"]["stderr_tail"]), (&3.into(), &"oh".into()));
}

#[tokio::test]
async fn when_the_time_is_over_the_job_is_as_it_is() {
    let (api, _hand) = with_worker().await;
    let begun = Instant::now();
    let posted = ask(&api, Method::POST, "/v1/tasks/any", "wait=1").await;
    assert_eq!((posted.status, posted.header("preference-applied")), (202, "wait=1"), "{}", posted.text());
    assert!((1_000..2_500).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    let read = ask(&api, Method::GET, posted.header("location"), "wait=1").await;
    assert_eq!((read.status, read.json()["state"].clone()), (200, "queued".into()));
    // Without a wait, or with one that cannot be read, nothing is applied.
    for prefer in ["wait=soon", "respond-async"] {
        let answer = ask(&api, Method::POST, "/v1/tasks/any", prefer).await;
        assert_eq!((answer.status, answer.header("preference-applied")), (202, ""));
    }
}

#[tokio::test]
async fn a_wait_is_capped() {
    let (api, hand) = with_worker().await;
    let work = async { hand.succeed(hand.claim().await, "1").await };
    let (answer, ()) = tokio::join!(ask(&api, Method::POST, "/v1/tasks/any", "wait=1000000"), work);
    assert_eq!(answer.header("preference-applied"), "wait=5");
}

#[tokio::test]
async fn many_readers_are_woken_together() {
    let (api, hand) = with_worker().await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    let claim = hand.claim().await;
    let begun = Instant::now();
    let readers = (0..50).map(|_| ask(&api, Method::GET, &location, "wait=5"));
    let work = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        hand.succeed(claim, "1").await;
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(readers), work);
    assert!(answers.iter().all(|answer| answer.json()["state"] == "succeeded"));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_client_that_leaves_cancels_nothing() {
    let (api, hand) = with_worker().await;
    let request = api.ask(Method::POST, "/v1/tasks/any").header("prefer", "wait=5");
    let left = tokio::time::timeout(Duration::from_millis(300), request.send()).await;
    assert!(left.is_err(), "the client gave up");
    let claim = hand.claim().await;
    let path = format!("/v1/jobs/{}", claim.id);
    assert_eq!(api.get(&path).await.json()["state"], "running");
    hand.succeed(claim, "1").await;
    assert_eq!(api.get(&path).await.json()["state"], "succeeded");
}

#[tokio::test]
async fn a_wait_outlives_a_restart_of_redis() {
    let (mut api, hand) = with_worker().await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    let claim = hand.claim().await;
    let request = api.ask(Method::GET, &location).header("prefer", "wait=5");
    let waiting = tokio::spawn(answer(request));
    // The server syncs once a second; what could be lost before that is not what is tested here.
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    api.server.restart();
    eventually_async("Redis answers", Duration::from_secs(5), || async { api.queue.ping().await.ok() }).await;
    hand.succeed(claim, "1").await;
    let answer = waiting.await.expect("an answer");
    assert_eq!((answer.status, answer.json()["state"].clone()), (200, "succeeded".into()), "{}", answer.text());
}

#[tokio::test]
async fn waiting_costs_no_connection() {
    let (api, hand) = with_worker().await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    let claim = hand.claim().await;
    let waiting: Vec<_> =
        (0..100).map(|_| tokio::spawn(answer(api.ask(Method::GET, &location).header("prefer", "wait=5")))).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let clients = connected_clients(&api).await;
    // The pool's at most 16, the reader's one, and this question's own.
    assert!(clients <= 18, "{clients} connections");
    hand.succeed(claim, "1").await;
    for answer in waiting {
        assert_eq!(answer.await.expect("an answer").json()["state"], "succeeded");
    }
}

async fn connected_clients(api: &Api) -> u64 {
    let client = redis::Client::open(api.server.url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let info: String = redis::cmd("INFO").arg("clients").query_async(&mut connection).await.expect("an answer");
    let line = info.lines().find_map(|line| line.strip_prefix("connected_clients:"));
    line.and_then(|number| number.trim().parse().ok()).expect("a number")
}
