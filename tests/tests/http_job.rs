//! GET /v1/jobs/{id} and its result, in each state.

use dayfly_common::model::{ErrorKind, JobError, KilledBy, Outcome, Usage};
use dayfly_tests::{Api, Hand, answer, task};
use reqwest::Method;
use serde_json::{Value, json};

const NOBODY: &str = "/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90";

async fn with_worker() -> (Api, Hand) {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    (api, hand)
}

#[tokio::test]
async fn a_job_tells_its_life() {
    let (api, hand) = with_worker().await;
    let first = api.post("/v1/tasks/any").await.header("location").to_owned();
    let second = api.post("/v1/tasks/any").await.header("location").to_owned();
    let position = |job: Value| job["queue_position"].clone();
    assert_eq!(position(api.get(&second).await.json()), 1);

    let claim = hand.claim().await;
    let running = api.get(&first).await.json();
    assert_eq!((&running["state"], &running["attempt"]), (&json!("running"), &json!(1)));
    assert_eq!((&running["worker"]["id"], &running["queue_position"]), (&json!(hand.id()), &Value::Null));
    for time in ["created_at", "queued_at", "started_at", "deadline_at"] {
        let text = running[time].as_str().unwrap_or_default();
        assert!(text.len() == 24 && text.ends_with('Z'), "{time}: {text}");
    }
    assert_eq!((&running["result"], &running["finished_at"]), (&Value::Null, &Value::Null));

    let result = br#"{"digits": 0.1000000000000000000000001, "big": 123456789012345678901234567890}"#;
    let succeeded = Outcome::Succeeded { result: result.to_vec(), content_type: "application/json", truncated: false };
    let mut end = claim.finish(hand.id(), succeeded);
    end.usage =
        Some(Usage { wall_ms: 12, cpu_ms: 7, max_rss_bytes: 1 << 20, voluntary_switches: 5, involuntary_switches: 2 });
    api.queue.finish(&[end], None).await.expect("an answer");
    let done = api.get(&first).await;
    assert!(done.text().contains(&format!(r#""result":{}"#, String::from_utf8_lossy(result))), "{}", done.text());
    let done = done.json();
    assert_eq!((&done["state"], &done["error"]), (&json!("succeeded"), &Value::Null));
    let usage = json!({
        "wall_ms": 12, "cpu_ms": 7, "max_rss_bytes": 1_048_576, "voluntary_switches": 5, "involuntary_switches": 2
    });
    assert_eq!(done["usage"], usage);
    assert_eq!((&done["attempts"][0]["outcome"], &done["warnings"]), (&json!("succeeded"), &json!([])));
    assert!(done["finished_at"].is_string() && done["attempts"][0]["ended_at"].is_string());
}

#[tokio::test]
async fn a_failed_job_says_why() {
    let (api, hand) = with_worker().await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    let error = JobError {
        kind: ErrorKind::Timeout,
        message: "ran past its timeout of 1s".to_owned(),
        exit_code: None,
        signal: Some("SIGKILL".to_owned()),
        retryable: true,
        stderr_tail: String::new(),
    };
    let mut end = hand.claim().await.finish(hand.id(), Outcome::Failed(error));
    (end.killed_by, end.kill_ms) = (Some(KilledBy::Deadline), Some(5_003));
    api.queue.finish(&[end], None).await.expect("an answer");
    let job = api.get(&location).await.json();
    assert_eq!(
        (&job["state"], &job["killed_by"], &job["kill_ms"]),
        (&json!("failed"), &json!("deadline"), &json!(5_003))
    );
    let expected = json!({
        "kind": "timeout", "message": "ran past its timeout of 1s", "exit_code": null, "signal": "SIGKILL",
        "retryable": true, "stderr_tail": ""
    });
    assert_eq!(job["error"], expected);
    let refused = api.get(&format!("{location}/result")).await;
    refused.must_be_problem(409, "wrong_state", "ran past its timeout of 1s");
}

#[tokio::test]
async fn ids_that_are_none_and_jobs_that_are_not() {
    let (api, _hand) = with_worker().await;
    for path in ["/v1/jobs/1", "/v1/jobs/0198c0de7a3b7cc19f4e2b1d6a5e8f90", "/v1/jobs/x/result", "/v1/jobs/x/logs"] {
        api.get(path).await.must_be_problem(400, "bad_id", "must be a UUID");
    }
    api.post("/v1/jobs/x/cancel").await.must_be_problem(400, "bad_id", "must be a UUID");
    for path in [NOBODY.to_owned(), format!("{NOBODY}/result"), format!("{NOBODY}/logs")] {
        api.get(&path).await.must_be_problem(404, "unknown_job", "retention");
    }
    api.post(&format!("{NOBODY}/cancel")).await.must_be_problem(404, "unknown_job", "retention");
    api.get(&format!("{NOBODY}?wait=3")).await.must_be_problem(400, "bad_option", "`Prefer: wait=10`");
}

#[tokio::test]
async fn an_unchanged_job_is_not_sent_twice() {
    let (api, hand) = with_worker().await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    let tag = api.get(&location).await.header("etag").to_owned();
    assert!(tag.starts_with('"'), "{tag}");
    let again = answer(api.ask(Method::GET, &location).header("if-none-match", &tag)).await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag.as_str()));
    let _claim = hand.claim().await;
    let changed = answer(api.ask(Method::GET, &location).header("if-none-match", &tag)).await;
    assert_eq!((changed.status, changed.json()["state"].clone()), (200, json!("running")));
    assert_ne!(changed.header("etag"), tag);
}

#[tokio::test]
async fn results_come_raw_with_their_own_type() {
    let (api, hand) = with_worker().await;
    for (kind, bytes, in_job) in [
        ("application/json", &b" [1.0]\n"[..], json!([1.0])),
        ("text/plain; charset=utf-8", "<b>\u{e9}</b>".as_bytes(), json!("<b>\u{e9}</b>")),
        ("application/octet-stream", b"\0\xff", Value::Null),
        ("application/octet-stream", b"", Value::Null),
    ] {
        let location = api.post("/v1/tasks/any").await.header("location").to_owned();
        let outcome = Outcome::Succeeded { result: bytes.to_vec(), content_type: kind, truncated: false };
        hand.finish(hand.claim().await, outcome).await;
        let raw = api.get(&format!("{location}/result")).await;
        assert_eq!((raw.status, raw.header("content-type"), &raw.body[..]), (200, kind, bytes));
        assert_eq!(raw.header("x-content-type-options"), "nosniff");
        assert!(raw.header("content-security-policy").contains("default-src 'none'"));
        assert_eq!(api.get(&location).await.json()["result"], in_job, "{kind}");
        let picky = api.ask(Method::GET, &format!("{location}/result")).header("accept", "image/png");
        answer(picky).await.must_be_problem(406, "not_acceptable", kind.split(';').next().unwrap_or_default());
    }
}

#[tokio::test]
async fn there_is_no_result_before_success_and_none_after_its_time() {
    let (api, hand) = with_worker().await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    let result = format!("{location}/result");
    api.get(&result).await.must_be_problem(409, "wrong_state", "is queued");
    let claim = hand.claim().await;
    api.get(&result).await.must_be_problem(409, "wrong_state", "is running");
    let waiting = answer(api.ask(Method::GET, &result).header("prefer", "wait=5"));
    let (raw, ()) = tokio::join!(waiting, async { hand.succeed(claim, "7").await });
    assert_eq!((raw.status, raw.text()), (200, "7".to_owned()));

    let id = location.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let client = redis::Client::open(api.server.url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let key = api.queue.keys().job_result(id);
    let gone: i64 = redis::cmd("DEL").arg(key).query_async(&mut connection).await.expect("an answer");
    assert_eq!(gone, 1);
    api.get(&result).await.must_be_problem(410, "result_expired", "no longer kept");
    assert_eq!(api.get(&location).await.json()["result"], Value::Null);

    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    api.post(&format!("{location}/cancel")).await;
    api.get(&format!("{location}/result")).await.must_be_problem(409, "wrong_state", "is cancelled");
}

#[tokio::test]
async fn a_cut_result_is_said_to_be_cut() {
    let (api, hand) = with_worker().await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    let kind = "text/plain; charset=utf-8";
    let outcome = Outcome::Succeeded { result: b"abc".to_vec(), content_type: kind, truncated: true };
    hand.finish(hand.claim().await, outcome).await;
    let job = api.get(&location).await.json();
    assert_eq!(job["truncated"], true);
    assert!(job["warnings"][0].as_str().is_some_and(|warning| warning.contains("cut off")), "{job}");
}
