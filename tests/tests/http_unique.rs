//! `unique`: one live job of an owner holds a key; the next request is told whose it is.

use dayfly_common::{
    model::{Outcome, TaskDef},
    queue::Claim,
};
use dayfly_tests::{Answer, Api, Hand, answer, task};
use reqwest::Method;

async fn post(api: &Api, path: &str, key: Option<&str>) -> Answer {
    let mut request = api.ask(Method::POST, path).header("content-type", "application/json").body("[1]");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    answer(request).await
}

fn must_name(refused: &Answer, holder: &str) {
    refused.must_be_problem(409, "not_unique", "until it ends");
    assert_eq!(refused.member("job"), holder, "{}", refused.text());
}

#[tokio::test]
async fn a_live_job_bars_the_next_on_every_route_until_it_ends() {
    let old = TaskDef { route: Some("/old".into()), ..task("any") };
    let api = Api::start(vec![old.clone(), task("other")]).await;
    let worker = Hand::new(&api.queue, &[old, task("other")]).await;
    let first = post(&api, "/v1/tasks/any?unique=a", None).await;
    assert_eq!(first.status, 202, "{}", first.text());
    let holder = first.member("id");
    for path in ["/v1/tasks/any?unique=a", "/v1/tasks/other?unique=a", "/old?unique=a"] {
        must_name(&post(&api, path, None).await, &holder);
    }
    assert_eq!(post(&api, "/v1/tasks/any?unique=b", None).await.status, 202, "another key");
    let claim = worker.claim().await;
    assert_eq!(claim.id.to_string(), holder);
    must_name(&post(&api, "/v1/tasks/any?unique=a", None).await, &holder);
    worker.succeed(claim, "1").await;
    assert_eq!(post(&api, "/old?unique=a", None).await.status, 202);
}

async fn ended_by_its_worker(worker: &Hand, outcome: Outcome) -> Claim {
    let claim = worker.claim().await;
    worker.finish(claim, outcome).await;
    worker.claim().await
}

#[tokio::test]
async fn a_cancelled_job_and_one_that_failed_give_it_back_and_a_drained_one_keeps_it() {
    let api = Api::start(vec![task("any")]).await;
    let worker = Hand::new(&api.queue, &[task("any")]).await;
    let waiting = post(&api, "/v1/tasks/any?unique=a&delay=1h", None).await.member("id");
    must_name(&post(&api, "/v1/tasks/any?unique=a", None).await, &waiting);
    assert_eq!(api.post(&format!("/v1/jobs/{waiting}/cancel")).await.status, 200);
    let drained = post(&api, "/v1/tasks/any?unique=a", None).await.member("id");
    let claim = ended_by_its_worker(&worker, Outcome::Drained).await;
    must_name(&post(&api, "/v1/tasks/any?unique=a", None).await, &drained);
    worker.finish(claim, Outcome::Cancelled).await;
    assert_eq!(post(&api, "/v1/tasks/any?unique=a", None).await.status, 202);
}

#[tokio::test]
async fn it_wins_over_an_idempotency_key() {
    let api = Api::start(vec![task("any")]).await;
    let worker = Hand::new(&api.queue, &[task("any")]).await;
    let path = "/v1/tasks/any?unique=a";
    let keyed = post(&api, path, Some("k")).await.member("id");
    let again = post(&api, path, Some("k")).await;
    must_name(&again, &keyed);
    assert!(again.member("detail").contains("this very `Idempotency-Key`"), "{}", again.text());
    let other_body = api.ask(Method::POST, path).header("idempotency-key", "k").body("[2]");
    must_name(&answer(other_body).await, &keyed);
    worker.succeed(worker.claim().await, "7").await;
    let replayed = post(&api, path, Some("k")).await;
    assert_eq!((replayed.status, replayed.header("idempotent-replayed")), (200, "true"), "{}", replayed.text());
    assert_eq!(replayed.member("id"), keyed);
    let other = post(&api, path, None).await.member("id");
    must_name(&post(&api, path, Some("k")).await, &other);
    let without = post(&api, "/v1/tasks/any", Some("k")).await;
    assert_eq!((without.status, without.member("id")), (200, keyed), "without `unique` the key counts");
}

#[tokio::test]
async fn of_a_hundred_at_once_one_is_taken() {
    let api = Api::start(vec![task("any")]).await;
    let paths = (0..100).map(|_| post(&api, "/v1/tasks/any?unique=a", None));
    let answers = futures_util::future::join_all(paths).await;
    let taken: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 202).collect();
    assert_eq!(taken.len(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 202) {
        must_name(refused, &taken[0].member("id"));
    }
}

#[tokio::test]
async fn keys_that_are_none_are_refused() {
    let api = Api::start(vec![task("any")]).await;
    for (value, status, code, says) in [
        ("", 400, "bad_option", "`unique` is empty"),
        ("a%0Ab", 400, "bad_option", "control character"),
        (&"k".repeat(256), 422, "option_out_of_range", "1 to 255 characters"),
        ("a&unique=b", 400, "bad_option", "twice"),
    ] {
        post(&api, &format!("/v1/tasks/any?unique={value}"), None).await.must_be_problem(status, code, says);
    }
    assert_eq!(post(&api, "/v1/tasks/any?unique=%E4%BD%A0%3A%F0%9F%90%9D", None).await.status, 202);
}
