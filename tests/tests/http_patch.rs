//! PATCH /v1/jobs/{id}: another priority or time for a job that waits.

use dayfly_common::model::format_rfc3339_ms;
use dayfly_tests::{Answer, Api, Hand, answer, task};
use reqwest::Method;
use serde_json::json;

async fn patch(api: &Api, path: &str, json: &str) -> Answer {
    let request = api.ask(Method::PATCH, path).header("content-type", "application/json");
    answer(request.body(json.to_owned())).await
}

async fn posted(api: &Api, path: &str) -> String {
    api.post(path).await.header("location").to_owned()
}

#[tokio::test]
async fn a_scheduled_job_runs_now() {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    let location = posted(&api, "/v1/tasks/any?delay=1h").await;
    let urgent = patch(&api, &location, r#"{"priority":1}"#).await;
    assert_eq!(urgent.status, 200, "{}", urgent.text());
    assert_eq!((&urgent.json()["priority"], &urgent.json()["state"]), (&json!(1), &json!("scheduled")));
    let now = patch(&api, &location, r#"{"at":"now"}"#).await.json();
    assert_eq!((&now["state"], &now["queue_position"], &now["priority"]), (&json!("queued"), &json!(0), &json!(1)));
    assert!(now["queued_at"].is_string());
    assert!(location.ends_with(&hand.claim().await.id.to_string()));
    patch(&api, &location, r#"{"priority":1}"#).await.must_be_problem(409, "wrong_state", "is running");
}

#[tokio::test]
async fn a_form_will_do_and_a_queued_job_can_be_put_off() {
    let api = Api::start(vec![task("any")]).await;
    let location = posted(&api, "/v1/tasks/any?expires=2h").await;
    let form = api.ask(Method::PATCH, &location).header("content-type", "application/x-www-form-urlencoded");
    let changed = answer(form.body("priority=0")).await;
    assert_eq!((changed.status, changed.json()["priority"].clone()), (200, json!(0)), "{}", changed.text());
    let expires_at = changed.member("expires_at");
    patch(&api, &location, &json!({ "at": expires_at }).to_string()).await.must_be_problem(
        422,
        "option_conflict",
        &expires_at,
    );
    let id = changed.member("id").parse().expect("an id");
    let created_at = api.queue.job(id).await.expect("an answer").expect("the job").record.created_at;
    let later = format_rfc3339_ms(created_at + 90 * 60_000);
    let later = patch(&api, &location, &json!({ "at": later }).to_string()).await.json();
    assert_eq!((&later["state"], &later["queued_at"]), (&json!("scheduled"), &json!(null)));
}

#[tokio::test]
async fn changes_that_are_none() {
    let api = Api::start(vec![task("any")]).await;
    let location = posted(&api, "/v1/tasks/any").await;
    for (body, status, code, says) in [
        ("{}", 422, "invalid_input", "nothing to change"),
        (r#"{"state":"running"}"#, 422, "invalid_input", "`state` is not known here"),
        (r#"{"priority":10}"#, 422, "option_out_of_range", "from 0 (most urgent) to 9"),
        (r#"{"at":"tomorrow"}"#, 400, "bad_option", "RFC 3339"),
        ("{", 400, "malformed_json", "not JSON"),
    ] {
        patch(&api, &location, body).await.must_be_problem(status, code, says);
    }
    let nobody = "/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90";
    patch(&api, nobody, r#"{"priority":1}"#).await.must_be_problem(404, "unknown_job", "There is no job");
    assert_eq!(api.get(&location).await.json()["priority"], 5);
}
