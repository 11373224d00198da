//! POST /v1/jobs/{id}/retry

use dayfly_common::model::TaskDef;
use dayfly_tests::{Api, Hand, answer, task};
use reqwest::Method;
use serde_json::{Value, json};

async fn with_ended_job(max_queued: Option<u64>) -> (Api, Hand, Value) {
    let any = TaskDef { max_queued, ..task("any") };
    let api = Api::start(vec![any.clone()]).await;
    let hand = Hand::new(&api.queue, &[any]).await;
    let input = r#"{"n":123456789012345678901234567890.10}"#;
    let job = api.post_json("/v1/tasks/any?priority=2&retries=1&timeout=5m", input).await.json();
    hand.succeed(hand.claim().await, "1").await;
    (api, hand, job)
}

fn path(job: &Value) -> String {
    format!("/v1/jobs/{}/retry", job["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn an_ended_job_is_submitted_anew() {
    let (api, hand, old) = with_ended_job(None).await;
    let taken = api.post(&path(&old)).await;
    assert_eq!((taken.status, taken.header("retry-after")), (202, "1"), "{}", taken.text());
    let new = taken.json();
    assert_eq!(taken.header("location"), format!("/v1/jobs/{}", new["id"].as_str().expect("an id")));
    assert_ne!(new["id"], old["id"]);
    for same in ["task", "priority", "max_attempts", "timeout_ms", "labels"] {
        assert_eq!(new[same], old[same], "{same}");
    }
    assert_eq!((&new["retry_of"], &new["state"], &new["attempt"]), (&old["id"], &json!("queued"), &json!(0)));
    assert!(taken.text().contains(r#""input":{"n":123456789012345678901234567890.10}"#), "{}", taken.text());
    assert_eq!(hand.claim().await.id.to_string(), new["id"].as_str().expect("an id"));
    assert_eq!(api.get(old["links"]["self"].as_str().expect("a link")).await.json()["state"], "succeeded");
}

#[tokio::test]
async fn a_client_may_wait_for_the_new_end() {
    let (api, hand, old) = with_ended_job(None).await;
    let waiting = answer(api.ask(Method::POST, &path(&old)).header("prefer", "wait=5"));
    let (ended, ()) = tokio::join!(waiting, async { hand.succeed(hand.claim().await, "[7]").await });
    assert_eq!((ended.status, ended.header("preference-applied")), (200, "wait=5"), "{}", ended.text());
    assert_eq!(ended.json()["result"], json!([7]));
}

#[tokio::test]
async fn one_key_makes_one_retry() {
    let (api, hand, old) = with_ended_job(None).await;
    let send = |path: String| answer(api.ask(Method::POST, &path).header("idempotency-key", "again"));
    let first = send(path(&old)).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (202, ""), "{}", first.text());
    let second = send(path(&old)).await;
    assert_eq!((second.status, second.header("idempotent-replayed")), (202, "true"), "{}", second.text());
    assert_eq!(second.member("id"), first.member("id"));
    send("/v1/tasks/any".to_owned()).await.must_be_problem(422, "idempotency_conflict", "used before");
    hand.succeed(hand.claim().await, "1").await;
    send(path(&first.json())).await.must_be_problem(422, "idempotency_conflict", "a new key");
    assert!(hand.try_claim().await.is_none());
}

#[tokio::test]
async fn refusals_say_why() {
    let (api, hand, old) = with_ended_job(Some(1)).await;
    let queued = api.post("/v1/tasks/any").await.json();
    let refused = api.post(&path(&queued)).await;
    refused.must_be_problem(409, "wrong_state", "is queued: only a job that has ended");
    assert_eq!(refused.json()["job"], queued["id"]);
    api.post(&path(&old)).await.must_be_problem(429, "queue_full", "`max_queued`");
    let _running = hand.claim().await;
    api.post(&path(&queued)).await.must_be_problem(409, "wrong_state", "is running");
    api.post_json(&path(&old), r#"{"priority":1}"#).await.must_be_problem(422, "invalid_input", "takes no body");
    api.post(&format!("{}?priority=1", path(&old))).await.must_be_problem(400, "bad_option", "takes none");
    let nobody = "/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90/retry";
    api.post(nobody).await.must_be_problem(404, "unknown_job", "There is no job");
    api.get(&path(&old)).await.must_be_problem(405, "method_not_allowed", "GET");

    let id = old["id"].as_str().expect("an id").parse().expect("an id");
    let redis = redis::Client::open(api.server.url()).expect("a URL");
    let mut redis = redis.get_multiplexed_async_connection().await.expect("a connection");
    let trim = redis::cmd("DEL").arg(api.queue.keys().job_input(id)).query_async::<i64>(&mut redis).await;
    assert_eq!(trim.expect("an answer"), 1);
    api.post(&path(&old)).await.must_be_problem(410, "result_expired", "input of the job");
}
