//! POST /v1/jobs/{id}/cancel

use dayfly_common::{
    model::Outcome,
    queue::{Beat, Held, Presence, Verdict},
};
use dayfly_tests::{Api, Hand, answer, task};
use reqwest::Method;
use serde_json::{Value, json};

async fn with_job() -> (Api, Hand, String) {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    (api, hand, location)
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_again() {
    let (api, _hand, location) = with_job().await;
    let body = r#"{"reason": "not needed"}"#;
    for _ in 0..2 {
        let answer = api.post_json(&format!("{location}/cancel"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let job = answer.json();
        assert_eq!((&job["state"], &job["error"]), (&json!("cancelled"), &Value::Null));
        assert_eq!(job["cancel_reason"], "not needed");
        assert!(job["finished_at"].is_string());
    }
}

#[tokio::test]
async fn a_scheduled_job_is_cancelled_at_once() {
    let (api, _hand, _) = with_job().await;
    let location = api.post("/v1/tasks/any?delay=1h").await.header("location").to_owned();
    let answer = api.post(&format!("{location}/cancel")).await;
    assert_eq!((answer.status, answer.json()["state"].clone()), (200, json!("cancelled")), "{}", answer.text());
}

#[tokio::test]
async fn a_running_job_is_asked_to_end() {
    let (api, hand, location) = with_job().await;
    let claim = hand.claim().await;
    let form = api.ask(Method::POST, &format!("{location}/cancel"));
    let form = form.header("content-type", "application/x-www-form-urlencoded").body("grace=0s&reason=stop+it");
    let asked = answer(form).await;
    assert_eq!((asked.status, asked.header("retry-after")), (202, "1"), "{}", asked.text());
    let job = asked.json();
    assert_eq!((&job["state"], &job["cancel_reason"]), (&json!("running"), &json!("stop it")));
    assert!(job["cancel_requested_at"].is_string());

    let held = vec![Held { id: claim.id, fence: claim.fence.clone() }];
    let presence = Presence { busy: 1, ..hand.presence().clone() };
    let reply = api.queue.heartbeat(&Beat { presence, held, ttl_ms: 30_000 }).await.expect("an answer");
    assert_eq!(reply.verdicts, [Verdict::Cancel { grace_ms: Some(0) }]);

    let waiting = answer(api.ask(Method::POST, &format!("{location}/cancel")).header("prefer", "wait=5"));
    let (ended, ()) = tokio::join!(waiting, async { hand.finish(claim, Outcome::Cancelled).await });
    assert_eq!((ended.status, ended.header("preference-applied")), (200, "wait=5"), "{}", ended.text());
    assert_eq!((&ended.json()["state"], &ended.json()["error"]), (&json!("cancelled"), &Value::Null));
}

#[tokio::test]
async fn a_job_that_has_ended_is_left_alone() {
    let (api, hand, location) = with_job().await;
    hand.succeed(hand.claim().await, "1").await;
    let refused = api.post(&format!("{location}/cancel")).await;
    refused.must_be_problem(409, "wrong_state", "is succeeded already");
    assert_eq!(refused.member("job"), location.rsplit('/').next().unwrap_or_default());
    assert_eq!(api.get(&location).await.json()["state"], "succeeded");
}

#[tokio::test]
async fn bodies_that_say_something_else() {
    let (api, _hand, location) = with_job().await;
    for (body, status, code, says) in [
        ("[]", 422, "invalid_input", "not an object"),
        (r#"{"raeson": "x"}"#, 422, "invalid_input", "`raeson` is not known"),
        (r#"{"grace": 5}"#, 422, "invalid_input", "must be a string"),
        (r#"{"grace": "5"}"#, 400, "bad_duration", "needs a unit"),
        ("{", 400, "malformed_json", "not JSON"),
        (&format!(r#"{{"reason": "{}"}}"#, "x".repeat(501)), 413, "too_large", "500 bytes"),
    ] {
        api.post_json(&format!("{location}/cancel"), body).await.must_be_problem(status, code, says);
    }
    assert_eq!(api.get(&location).await.json()["state"], "queued");
}
