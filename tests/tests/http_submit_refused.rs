//! What a submit refuses: each with its status, its code and words that help. Nothing is stored then.

use dayfly_common::model::TaskDef;
use dayfly_tests::{Answer, Api, answer, task};
use reqwest::Method;
use serde_json::json;

fn factor() -> TaskDef {
    let properties = json!({ "n": { "type": "integer", "minimum": 2 }, "tags": { "items": { "type": "string" } } });
    let schema = json!({ "type": "object", "required": ["n"], "properties": properties });
    TaskDef { input_schema: Some(schema), max_timeout_ms: 90_000, timeout_ms: 1_000, ..task("factor") }
}

async fn api() -> Api {
    Api::start(vec![factor(), task("any")]).await
}

async fn post_as(api: &Api, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
    answer(api.ask(Method::POST, "/v1/tasks/factor").header("content-type", kind).body(body)).await
}

async fn nothing_is_stored(api: &Api) {
    assert_eq!(api.get("/v1/jobs").await.json()["items"], json!([]));
}

#[tokio::test]
async fn an_unknown_task_names_the_nearest() {
    let api = api().await;
    api.post_json("/v1/tasks/factr", "{}").await.must_be_problem(404, "unknown_task", "Did you mean `factor`?");
    api.post_json("/v1/tasks/%00%20x", "{}").await.must_be_problem(404, "unknown_task", "Known tasks: any, factor.");
    api.post_json("/v1/tasks/%ff", "{}").await.must_be_problem(404, "not_found", "UTF-8");
}

#[tokio::test]
async fn json_that_cannot_be_read() {
    let api = api().await;
    let json = "application/json";
    for body in ["{", "{'n': 1}", "1 2", "NaN", "\u{feff}{}"] {
        post_as(&api, json, body).await.must_be_problem(400, "malformed_json", "The body is not JSON");
    }
    post_as(&api, json, &b"\"\xff\""[..]).await.must_be_problem(400, "malformed_json", "not JSON");
    let deep = format!("{}{}", "[".repeat(101), "]".repeat(101));
    post_as(&api, json, deep).await.must_be_problem(400, "malformed_json", "more than 100 deep");
    post_as(&api, json, "[".repeat(60_000)).await.must_be_problem(400, "malformed_json", "not JSON");
    nothing_is_stored(&api).await;
}

#[tokio::test]
async fn forms_that_cannot_be_read() {
    let api = api().await;
    let form = "application/x-www-form-urlencoded";
    post_as(&api, form, "n=%zz").await.must_be_problem(400, "malformed_form", "%25");
    post_as(&api, form, "n=%ff").await.must_be_problem(400, "malformed_form", "UTF-8");
    post_as(&api, form, "a=1&".repeat(1_001)).await.must_be_problem(413, "too_large", "1000 fields");
    let kind = "multipart/form-data; boundary=b";
    post_as(&api, kind, "nonsense").await.must_be_problem(400, "malformed_form", "multipart");
    post_as(&api, "multipart/form-data", "x").await.must_be_problem(400, "malformed_form", "multipart");
    let file = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n42\r\n--b--\r\n";
    post_as(&api, kind, file).await.must_be_problem(415, "unsupported_media_type", "`f` is a file");
    nothing_is_stored(&api).await;
}

#[tokio::test]
async fn an_input_that_does_not_fit_the_schema_gets_a_pointer_for_each_fault() {
    let api = api().await;
    let refused = api.post_json("/v1/tasks/factor", r#"{"n": 1, "tags": ["a", 5]}"#).await;
    refused.must_be_problem(422, "invalid_input", "does not fit the task's schema");
    let pointers: Vec<String> = refused.json()["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|fault| fault["pointer"].as_str().expect("a pointer").to_owned())
        .collect();
    assert_eq!(pointers.len(), 2, "{}", refused.text());
    assert!(pointers.contains(&"/n".to_owned()) && pointers.contains(&"/tags/1".to_owned()), "{pointers:?}");
    api.post("/v1/tasks/factor").await.must_be_problem(422, "invalid_input", "\"n\" is a required property");
    let form = "application/x-www-form-urlencoded";
    post_as(&api, form, "n=many").await.must_be_problem(422, "invalid_input", "\"many\" is not of type \"integer\"");
    nothing_is_stored(&api).await;
}

#[tokio::test]
async fn options_that_are_wrong_say_what_would_be_right() {
    let api = api().await;
    for (query, status, code, says) in [
        ("timout=3s", 400, "bad_option", "did you mean `timeout`?"),
        ("wait=3", 400, "bad_option", "`Prefer: wait=10`"),
        ("priority=high", 400, "bad_option", "0 to 9"),
        ("at=tomorrow", 400, "bad_option", "RFC 3339"),
        ("retries=1&retries=2", 400, "bad_option", "twice"),
        ("delay=%zz", 400, "bad_option", "query string"),
        ("timeout=30", 400, "bad_duration", "it needs a unit"),
        ("expires=-1s", 400, "bad_duration", "negative"),
        ("retention=99999999d", 400, "bad_duration", "too long"),
        ("timeout=91s", 422, "option_out_of_range", "at most 90s, the `max_timeout` of the task `factor`"),
        ("priority=10", 422, "option_out_of_range", "0 to 9"),
        ("retries=1001", 422, "option_out_of_range", "0 to 1000"),
        ("at=2024-01-01T00:00:00Z&delay=1s", 422, "option_conflict", "`delay` and `at`"),
        ("expires=1s&delay=1m", 422, "option_conflict", "never run"),
    ] {
        let refused = api.post_json(&format!("/v1/tasks/factor?{query}"), r#"{"n":2}"#).await;
        refused.must_be_problem(status, code, says);
    }
    nothing_is_stored(&api).await;
}

#[tokio::test]
async fn media_types_that_are_not_taken_or_not_given() {
    let api = api().await;
    for kind in ["text/plain", "application/xml"] {
        let refused = post_as(&api, kind, "x").await;
        refused.must_be_problem(415, "unsupported_media_type", "application/json, application/x-www-form-urlencoded");
        assert!(refused.header("accept-post").contains("application/json"));
    }
    let zipped = api.ask(Method::POST, "/v1/tasks/any").header("content-encoding", "gzip").body("x");
    answer(zipped).await.must_be_problem(415, "unsupported_media_type", "Content-Encoding");
    let request = api.ask(Method::POST, "/v1/tasks/any").header("accept", "text/html");
    answer(request).await.must_be_problem(406, "not_acceptable", "`application/json`");
    nothing_is_stored(&api).await;
}

#[tokio::test]
async fn a_body_over_the_limit_says_the_limit() {
    let api = api().await;
    let large = format!("\"{}\"", "x".repeat(70_000));
    post_as(&api, "application/json", large.clone()).await.must_be_problem(413, "too_large", "65536 bytes");
    // Without a length, in pieces.
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        large.as_bytes().chunks(1_000).map(|piece| Ok(piece.to_vec())).collect();
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    post_as(&api, "application/json", body).await.must_be_problem(413, "too_large", "max_body");
    nothing_is_stored(&api).await;
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back() {
    let api = Api::start(vec![TaskDef { max_queued: Some(2), ..task("few") }]).await;
    assert_eq!(api.post("/v1/tasks/few").await.status, 202);
    assert_eq!(api.post("/v1/tasks/few?delay=1h").await.status, 202);
    let refused = api.post("/v1/tasks/few").await;
    refused.must_be_problem(429, "queue_full", "takes at most 2");
    assert!(refused.header("retry-after").parse::<u64>().is_ok());
}
