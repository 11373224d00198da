//! PUT /v1/jobs/{id}?task=NAME: the client's own id makes the request repeatable.

use dayfly_tests::{Answer, Api, Hand, answer, task};
use reqwest::Method;
use serde_json::json;

const ID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

async fn put(api: &Api, path: &str, body: &str) -> Answer {
    let request = api.ask(Method::PUT, path).header("content-type", "application/json");
    answer(request.body(body.to_owned())).await
}

fn path(id: &str) -> String {
    format!("/v1/jobs/{id}?task=any")
}

#[tokio::test]
async fn the_first_makes_the_job_and_the_next_finds_it() {
    let api = Api::start(vec![task("any")]).await;
    let worker = Hand::new(&api.queue, &[task("any")]).await;
    let first = put(&api, &format!("{}&priority=2&label=a:b&unique=u&timeout=30s", path(ID)), "[1.10]").await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (202, ""), "{}", first.text());
    assert_eq!((first.member("id").as_str(), first.header("location")), (ID, &*format!("/v1/jobs/{ID}")));
    assert_eq!(first.header("retry-after"), "1");
    let job = first.json();
    assert_eq!((&job["priority"], &job["labels"], &job["timeout_ms"]), (&json!(2), &json!({"a": "b"}), &json!(30_000)));
    for id in [ID, &ID.to_uppercase()] {
        let again = put(&api, &format!("{}&unique=u", path(id)), "[1.10]").await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (200, "true"), "{}", again.text());
        assert_eq!((again.member("id").as_str(), again.member("state").as_str()), (ID, "queued"));
    }
    assert_eq!(worker.claim().await.input, "[1.10]");
    assert!(worker.try_claim().await.is_none(), "one job");
}

#[tokio::test]
async fn it_waits_for_the_end_and_a_later_one_has_the_result() {
    let api = Api::start(vec![task("any")]).await;
    let worker = Hand::new(&api.queue, &[task("any")]).await;
    let asked = answer(api.ask(Method::PUT, &path(ID)).header("prefer", "wait=5").body("[1]"));
    let (waited, ()) = tokio::join!(asked, async { worker.succeed(worker.claim().await, "[2]").await });
    assert_eq!((waited.status, waited.header("preference-applied")), (200, "wait=5"), "{}", waited.text());
    assert_eq!(waited.json()["result"], json!([2]));
    let later = put(&api, &path(ID), "[1]").await;
    assert_eq!((later.status, &later.json()["result"]), (200, &json!([2])), "{}", later.text());
}

#[tokio::test]
async fn an_id_of_another_request_is_a_conflict() {
    let api = Api::start(vec![task("any"), task("other")]).await;
    put(&api, &path(ID), "[1]").await;
    for (path, body) in [(path(ID), "[2]"), (format!("/v1/jobs/{ID}?task=other"), "[1]")] {
        let refused = put(&api, &path, body).await;
        refused.must_be_problem(422, "idempotency_conflict", "a new id");
        assert_eq!(refused.member("job"), ID);
    }
    let posted = api.post_json("/v1/tasks/any", "[1]").await.member("id");
    put(&api, &path(&posted), "[1]").await.must_be_problem(422, "idempotency_conflict", "not named by its client");
}

#[tokio::test]
async fn a_hundred_at_once_make_one_job() {
    let api = Api::start(vec![task("any")]).await;
    let path = path(ID);
    let answers = futures_util::future::join_all((0..100).map(|_| put(&api, &path, "[1]"))).await;
    let of = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((of(202), of(200)), (1, 99));
    assert_eq!(api.get("/v1/jobs").await.json()["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn forms_are_taken_as_by_post() {
    let api = Api::start(vec![task("any")]).await;
    let form = api.ask(Method::PUT, &path(ID)).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(answer(form.body("a=b")).await.json()["input"], json!({"a": "b"}));
}

#[tokio::test]
async fn what_is_wrong_is_told() {
    let mut strict = task("strict");
    strict.input_schema = Some(json!({ "type": "object" }));
    let api = Api::start(vec![task("any"), strict]).await;
    let large = "1".repeat((64 << 10) + 1);
    for (path, body, status, code, says) in [
        (format!("/v1/jobs/{ID}"), "1", 400, "bad_option", "?task=NAME"),
        (path("7"), "1", 400, "bad_id", "UUID"),
        (path("00000000-0000-0000-0000-000000000000"), "1", 400, "bad_id", "no id at all"),
        (path("ffffffff-ffff-ffff-ffff-ffffffffffff"), "1", 400, "bad_id", "no id at all"),
        (format!("/v1/jobs/{ID}?task=anyy"), "1", 404, "unknown_task", "Did you mean `any`?"),
        (format!("/v1/jobs/{ID}?taks=any"), "1", 400, "bad_option", "did you mean `task`?"),
        (format!("{}&timeout=3", path(ID)), "1", 400, "bad_duration", "unit"),
        (format!("{}&timeout=30d", path(ID)), "1", 422, "option_out_of_range", "max_timeout"),
        (path(ID), "{", 400, "malformed_json", "not JSON"),
        (path(ID), &large, 413, "too_large", "65536 bytes"),
        (format!("/v1/jobs/{ID}?task=strict"), "5", 422, "invalid_input", "object"),
    ] {
        put(&api, &path, body).await.must_be_problem(status, code, says);
    }
    let keyed = api.ask(Method::PUT, &path(ID)).header("idempotency-key", "k").body("1");
    answer(keyed).await.must_be_problem(422, "option_conflict", "leave the `Idempotency-Key` out");
    let text = api.ask(Method::PUT, &path(ID)).header("content-type", "text/plain").body("1");
    answer(text).await.must_be_problem(415, "unsupported_media_type", "application/json");
    let html = api.ask(Method::PUT, &path(ID)).header("accept", "text/html").body("1");
    answer(html).await.must_be_problem(406, "not_acceptable", "application/json");
    let foreign = api.ask(Method::PUT, &path(ID)).header("origin", "http://evil.example").body("1");
    answer(foreign).await.must_be_problem(403, "forbidden", "evil.example");
    api.get(&format!("/v1/jobs/{ID}")).await.must_be_problem(404, "unknown_job", ID);
    let posted = api.post(&format!("/v1/jobs/{ID}")).await;
    posted.must_be_problem(405, "method_not_allowed", "POST");
    assert!(posted.header("allow").contains("PUT"), "{}", posted.header("allow"));
}
