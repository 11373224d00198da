//! POST /v1/tasks/{task} and a task's route: what a body may be, and what becomes of it.

use dayfly_common::model::{State, TaskDef};
use dayfly_tests::{Answer, Api, Hand, answer, task};
use reqwest::Method;
use serde_json::{Value, json};

fn factor() -> TaskDef {
    let schema = json!({
        "type": "object", "required": ["n"], "additionalProperties": false,
        "properties": { "n": { "type": "integer" }, "tags": { "type": "array", "items": { "type": "string" } } }
    });
    TaskDef { input_schema: Some(schema), route: Some("/factor/async".to_owned()), ..task("factor") }
}

async fn post_as(api: &Api, path: &str, kind: &str, body: &str) -> Answer {
    answer(api.ask(Method::POST, path).header("content-type", kind).body(body.to_owned())).await
}

async fn stored_input(api: &Api, answer: &Answer) -> String {
    // Not by the body: no parser of ours reads every number that JSON has.
    let id = answer.header("location").rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let view = api.queue.job(id).await.expect("an answer").expect("the job");
    String::from_utf8(view.input.expect("an input").into()).expect("text")
}

#[tokio::test]
async fn a_job_is_taken_and_told_where_it_is() {
    let api = Api::start(vec![factor()]).await;
    let _worker = Hand::new(&api.queue, &[factor()]).await;
    let answer = api.post_json("/v1/tasks/factor", r#"{"n": 42}"#).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let job = answer.json();
    assert_eq!(answer.header("location"), format!("/v1/jobs/{}", answer.member("id")));
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!((&job["state"], &job["task"], &job["priority"]), (&json!("queued"), &json!("factor"), &json!(5)));
    assert_eq!((&job["input"], &job["warnings"], &job["live_workers"]), (&json!({"n": 42}), &json!([]), &json!(1)));
    assert!(job.get("message").is_none());
    // What was answered is what is stored, but for what only a reading can tell.
    let mut read = api.get(answer.header("location")).await.json();
    assert_eq!(read["queue_position"], 0);
    read["queue_position"] = Value::Null;
    assert_eq!(read, job);
}

#[tokio::test]
async fn the_stored_input_is_the_bytes_that_were_sent() {
    let api = Api::start(vec![task("any")]).await;
    let odd = " {\"n\":123456789012345678901234567890,\n\t\"x\":1.10, \"e\":1E+400}\r\n";
    let answer = api.post_json("/v1/tasks/any", odd).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(stored_input(&api, &answer).await, odd);
    let shown = api.get(answer.header("location")).await.text();
    assert!(shown.contains(odd.trim()), "{shown}");
}

#[tokio::test]
async fn a_form_becomes_an_object_typed_by_the_schema() {
    let api = Api::start(vec![factor(), task("any")]).await;
    let form = "application/x-www-form-urlencoded";
    let big = "n=123456789012345678901234567890&tags=a";
    let answer = post_as(&api, "/v1/tasks/factor", form, big).await;
    assert_eq!(stored_input(&api, &answer).await, r#"{"n":123456789012345678901234567890,"tags":["a"]}"#);
    let answer = post_as(&api, "/v1/tasks/any", form, "n=42&t=a&t=%E4%BD%A0+%F0%9F%A6%8B").await;
    assert_eq!(stored_input(&api, &answer).await, "{\"n\":\"42\",\"t\":[\"a\",\"\u{4f60} \u{1f98b}\"]}");
    // `curl -d '{..}'` calls JSON a form.
    let answer = post_as(&api, "/v1/tasks/factor", form, r#"{"n": 7}"#).await;
    assert_eq!(stored_input(&api, &answer).await, r#"{"n": 7}"#);
}

#[tokio::test]
async fn a_multiparts_fields_become_an_object() {
    let api = Api::start(vec![factor()]).await;
    let body = "--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n42\r\n--b--\r\n";
    let answer = post_as(&api, "/v1/tasks/factor", "multipart/form-data; boundary=b", body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(stored_input(&api, &answer).await, r#"{"n":42}"#);
}

#[tokio::test]
async fn no_body_is_the_empty_object() {
    let api = Api::start(vec![task("any")]).await;
    let answer = api.post("/v1/tasks/any").await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(stored_input(&api, &answer).await, "{}");
}

#[tokio::test]
async fn a_tasks_route_answers_the_same_with_a_message() {
    let api = Api::start(vec![factor()]).await;
    let path = "/factor/async?priority=1";
    let answer = post_as(&api, path, "application/x-www-form-urlencoded", "n=42").await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let job = answer.json();
    assert_eq!((&job["message"], &job["priority"]), (&json!("job created"), &json!(1)));
    assert_eq!(api.get(answer.header("location")).await.json()["task"], "factor");
    let refused = api.get("/factor/async").await;
    refused.must_be_problem(405, "method_not_allowed", "GET");
    assert_eq!(refused.header("allow"), "POST, OPTIONS");
    let asked = dayfly_tests::answer(api.ask(Method::OPTIONS, "/factor/async")).await;
    assert_eq!((asked.status, asked.header("allow")), (204, "POST, OPTIONS"));
}

#[tokio::test]
async fn options_reach_the_record() {
    let api = Api::start(vec![factor()]).await;
    let query = "timeout=30s&delay=10m&priority=2&retries=3&expires=1h&retention=1d";
    let answer = api.post_json(&format!("/v1/tasks/factor?{query}"), r#"{"n":1}"#).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let job = answer.json();
    assert_eq!((&job["state"], &job["timeout_ms"]), (&json!("scheduled"), &json!(30_000)));
    assert_eq!((&job["max_attempts"], &job["queued_at"]), (&json!(4), &Value::Null));
    let waits: u64 = answer.header("retry-after").parse().expect("a number");
    assert!((598..=600).contains(&waits), "{waits}");
    let record = api.queue.job(answer.member("id").parse().unwrap()).await.unwrap().unwrap().record;
    assert_eq!((record.state, record.priority, record.retries), (State::Scheduled, 2, Some(3)));
    assert_eq!((record.timeout_ms, record.retention_ms), (Some(30_000), Some(86_400_000)));
    assert_eq!(record.ready_at - record.created_at, 600_000);
    assert_eq!(record.expires_at.map(|at| at - record.created_at), Some(3_600_000));
}

#[tokio::test]
async fn at_is_a_time_to_start() {
    let api = Api::start(vec![task("any")]).await;
    let past = api.post("/v1/tasks/any?at=2020-01-01T00:00:00Z").await;
    assert_eq!(past.json()["state"], "queued", "{}", past.text());
    let ahead = api.post("/v1/tasks/any?at=2031-01-01T00:00:00%2B01:00").await;
    assert_eq!(ahead.json()["state"], "scheduled", "{}", ahead.text());
    assert!(ahead.member("ready_at").starts_with("2030-12-31T23:00:0"), "{}", ahead.text());
}

#[tokio::test]
async fn a_task_is_known_from_the_registry_alone_and_without_a_worker_a_warning_is_given() {
    let api = Api::start(vec![task("mine")]).await;
    let answer = api.post("/v1/tasks/mine").await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let warning = answer.json()["warnings"][0].as_str().unwrap_or_default().to_owned();
    assert!(warning.contains("no live worker serves the task `mine`"), "{warning}");
    api.post("/v1/tasks/theirs").await.must_be_problem(404, "unknown_task", "`theirs`");
    let _worker = Hand::new(&api.queue, &[task("theirs")]).await;
    let answer = dayfly_tests::eventually_async("the registry is read", std::time::Duration::from_secs(5), || async {
        Some(api.post("/v1/tasks/theirs").await).filter(|answer| answer.status == 202)
    })
    .await;
    assert_eq!(answer.json()["warnings"], json!([]));
}

#[tokio::test]
async fn a_traceparent_is_handed_on() {
    let api = Api::start(vec![task("any")]).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = answer(api.ask(Method::POST, "/v1/tasks/any").header("traceparent", trace)).await;
    let record = api.queue.job(answer.member("id").parse().unwrap()).await.unwrap().unwrap().record;
    assert_eq!(record.trace.as_deref(), Some(trace));
}
