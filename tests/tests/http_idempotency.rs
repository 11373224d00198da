//! `Idempotency-Key`: one key, one job.

use dayfly_tests::{Answer, Api, Hand, answer, task};
use reqwest::Method;
use std::collections::HashSet;

async fn post(api: &Api, key: &str, body: &str) -> Answer {
    let request = api.ask(Method::POST, "/v1/tasks/any").header("idempotency-key", key);
    answer(request.header("content-type", "application/json").body(body.to_owned())).await
}

#[tokio::test]
async fn the_same_key_and_body_is_the_same_job_quoted_or_bare() {
    let api = Api::start(vec![task("any")]).await;
    let first = post(&api, "k-1", "[1]").await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (202, ""), "{}", first.text());
    for key in ["k-1", "\"k-1\""] {
        let again = post(&api, key, "[1]").await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (202, "true"), "{}", again.text());
        assert_eq!(again.member("id"), first.member("id"));
        assert_eq!(again.header("location"), first.header("location"));
    }
    assert_ne!(post(&api, "k-2", "[1]").await.member("id"), first.member("id"));
}

#[tokio::test]
async fn a_replay_of_an_ended_job_has_its_result() {
    let api = Api::start(vec![task("any")]).await;
    let worker = Hand::new(&api.queue, &[task("any")]).await;
    post(&api, "k", "[1]").await;
    worker.succeed(worker.claim().await, "[2]").await;
    let again = post(&api, "k", "[1]").await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, "true"), "{}", again.text());
    assert_eq!(again.json()["result"], serde_json::json!([2]));
}

#[tokio::test]
async fn the_same_key_for_another_request_is_a_conflict() {
    let api = Api::start(vec![task("any"), task("other")]).await;
    let first = post(&api, "k", "[1]").await;
    let refused = post(&api, "k", "[2]").await;
    refused.must_be_problem(422, "idempotency_conflict", "a new key");
    assert_eq!(refused.member("job"), first.member("id"));
    let other = api.ask(Method::POST, "/v1/tasks/other").header("idempotency-key", "k").body("[1]");
    answer(other).await.must_be_problem(422, "idempotency_conflict", "another task");
}

#[tokio::test]
async fn keys_that_are_none_are_refused() {
    let api = Api::start(vec![task("any")]).await;
    for key in ["\"\"", "\"open", &"k".repeat(256)] {
        post(&api, key, "[1]").await.must_be_problem(400, "bad_id", "1 to 255 characters");
    }
    let twice = api.ask(Method::POST, "/v1/tasks/any").header("idempotency-key", "a").header("idempotency-key", "b");
    answer(twice).await.must_be_problem(400, "bad_id", "twice");
}

#[tokio::test]
async fn a_hundred_at_once_make_one_job() {
    let api = Api::start(vec![task("any")]).await;
    let answers = futures_util::future::join_all((0..100).map(|_| post(&api, "k", "[1]"))).await;
    let ids: HashSet<String> = answers.iter().map(|answer| answer.member("id")).collect();
    assert_eq!(ids.len(), 1);
    let replayed = answers.iter().filter(|answer| answer.header("idempotent-replayed") == "true").count();
    assert_eq!(replayed, 99);
    assert_eq!(api.get("/v1/jobs").await.json()["items"].as_array().map(Vec::len), Some(1));
}
