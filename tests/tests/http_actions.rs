//! POST /v1/jobs/actions: cancel, retry and delete what matches a filter.

use dayfly_common::model::TaskDef;
use dayfly_tests::{Answer, Api, Hand, answer, task};
use reqwest::Method;
use serde_json::{Value, json};

async fn act(api: &Api, body: Value) -> Answer {
    api.post_json("/v1/jobs/actions", &body.to_string()).await
}

async fn done(api: &Api, body: Value) -> Value {
    let answer = act(api, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn count(api: &Api, query: &str) -> usize {
    api.get(&format!("/v1/jobs?limit=500&{query}")).await.json()["items"].as_array().expect("a list").len()
}

async fn with_jobs(number: usize) -> (Api, Hand) {
    let api = Api::start(vec![task("a"), task("b")]).await;
    let hand = Hand::new(&api.queue, &[task("a")]).await;
    for _ in 0..number {
        assert_eq!(api.post("/v1/tasks/a").await.status, 202);
    }
    (api, hand)
}

#[tokio::test]
async fn what_matches_is_cancelled_and_nothing_else() {
    let (api, hand) = with_jobs(3).await;
    let other = api.post("/v1/tasks/b").await.header("location").to_owned();
    api.post("/v1/tasks/a?delay=1h").await;
    let _claim = hand.claim().await;
    let filter = json!({ "task": "a" });
    let wish = json!({ "action": "cancel", "filter": filter, "reason": "a mistake", "grace": "0s" });
    let mut dry = wish.clone();
    dry["dry_run"] = json!(true);
    let counted = done(&api, dry).await;
    assert_eq!((&counted["matched"], &counted["done"], &counted["next"]), (&json!(4), &json!(0), &json!(null)));
    assert_eq!(count(&api, "state=cancelled").await, 0, "a dry run does nothing");
    let report = done(&api, wish.clone()).await;
    assert_eq!((&report["matched"], &report["done"], &report["skipped"]), (&json!(4), &json!(4), &json!({})));
    assert_eq!(count(&api, "state=cancelled").await, 3);
    let running = api.get("/v1/jobs?state=running").await.json()["items"][0].clone();
    assert_eq!((&running["cancel_reason"], running["cancel_requested_at"].is_string()), (&json!("a mistake"), true));
    assert_eq!(api.get(&other).await.json()["state"], "queued");
    // Ended jobs are none that could be cancelled; the running one is asked again, which changes nothing.
    assert_eq!(done(&api, wish).await["done"], json!(1));
}

#[tokio::test]
async fn an_unexpected_number_does_nothing() {
    let (api, _hand) = with_jobs(3).await;
    let wish = |expected: u64| json!({ "action": "cancel", "filter": { "all": true }, "expected_count": expected });
    act(&api, wish(2)).await.must_be_problem(409, "count_mismatch", "and 2 were expected: nothing was done");
    act(&api, wish(4)).await.must_be_problem(409, "count_mismatch", "3 jobs match");
    assert_eq!(count(&api, "state=queued").await, 3);
    assert_eq!(done(&api, wish(3)).await["done"], json!(3));
    assert_eq!(done(&api, wish(0)).await["done"], json!(0));
}

#[tokio::test]
async fn a_client_loops_until_nothing_is_left() {
    let (api, _hand) = with_jobs(7).await;
    let (mut cursor, mut rounds, mut total) = (Value::Null, 0, 0);
    loop {
        let wish = json!({ "action": "cancel", "filter": { "task": "a" }, "limit": 3, "cursor": cursor });
        let report = done(&api, wish).await;
        total += report["done"].as_u64().expect("a number");
        rounds += 1;
        cursor = report["next"].clone();
        if cursor.is_null() {
            break;
        }
        assert_eq!(report["matched"], json!(3));
        assert!(rounds < 5, "an end");
    }
    assert_eq!((total, count(&api, "state=cancelled").await), (7, 7));
    let first = done(&api, json!({ "action": "delete", "filter": { "task": "a" }, "limit": 1 })).await;
    let foreign = json!({ "action": "delete", "filter": { "task": "b" }, "cursor": first["next"] });
    act(&api, foreign).await.must_be_problem(400, "bad_cursor", "another filter");
}

#[tokio::test]
async fn failed_jobs_are_retried_and_once_with_a_key() {
    let any = TaskDef { max_queued: Some(3), ..task("a") };
    let api = Api::start(vec![any.clone()]).await;
    let hand = Hand::new(&api.queue, &[any]).await;
    let mut old = Vec::new();
    for _ in 0..3 {
        old.push(api.post("/v1/tasks/a").await.member("id"));
        hand.succeed(hand.claim().await, "1").await;
    }
    let wish = json!({ "action": "retry", "filter": { "state": "succeeded" } });
    let send = |key: &'static str| {
        let request = api.ask(Method::POST, "/v1/jobs/actions").header("idempotency-key", key);
        answer(request.header("content-type", "application/json").body(wish.to_string()))
    };
    let first = send("again").await.json();
    assert_eq!(first["done"], json!(3), "{first}");
    let mut of: Vec<String> =
        first["retries"].as_array().expect("a list").iter().map(|new| text(&new["retry_of"])).collect();
    of.sort_unstable();
    old.sort_unstable();
    assert_eq!(of, old);
    let new = api.get(&format!("/v1/jobs/{}", text(&first["retries"][0]["id"]))).await.json();
    assert_eq!((&new["state"], &new["retry_of"]), (&json!("queued"), &first["retries"][0]["retry_of"]));
    assert_eq!(send("again").await.json(), first, "the same call again makes no further job");
    assert_eq!(count(&api, "state=queued").await, 3);
    for _ in 0..3 {
        hand.succeed(hand.claim().await, "1").await;
    }
    let after = send("again").await.json();
    assert_eq!(after["retries"], first["retries"], "nor of those that it made, once they have ended: {after}");
    for _ in 0..3 {
        api.post("/v1/tasks/a").await;
    }
    let full = send("another").await.json();
    assert_eq!((&full["done"], &full["skipped"]), (&json!(0), &json!({ "queue_full": 6 })), "{full}");
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn ended_jobs_are_deleted_and_live_ones_stay() {
    let (api, hand) = with_jobs(5).await;
    for _ in 0..2 {
        hand.succeed(hand.claim().await, "1").await;
    }
    let wish = json!({ "action": "delete", "filter": { "all": true } });
    let report = done(&api, wish.clone()).await;
    assert_eq!((&report["action"], &report["done"]), (&json!("delete"), &json!(2)));
    assert_eq!(count(&api, "").await, 3);
    assert_eq!(done(&api, wish).await["matched"], json!(0));
}

#[tokio::test]
async fn an_empty_filter_is_refused_and_other_faults_are_explained() {
    let (api, _hand) = with_jobs(1).await;
    for (body, status, code, says) in [
        (json!({ "action": "cancel" }), 422, "invalid_input", "say {\"all\": true}"),
        (json!({ "action": "cancel", "filter": {} }), 422, "invalid_input", "say {\"all\": true}"),
        (json!({ "action": "cancel", "filter": { "label": [] } }), 422, "invalid_input", "would mean every job"),
        (json!({ "action": "cancel", "filter": { "state": "queued", "label": [] } }), 422, "invalid_input", "name one"),
        (json!({ "action": "stop", "filter": { "all": true } }), 422, "invalid_input", "`action` must be"),
        (json!({ "action": "cancel", "filter": { "taks": "a" } }), 400, "bad_option", "did you mean `task`?"),
        (json!({ "action": "cancel", "filter": { "state": "failed" } }), 422, "option_conflict", "have not ended"),
        (json!({ "action": "cancel", "filter": { "all": true }, "cursor": "x" }), 400, "bad_cursor", "leave it out"),
        (json!({ "action": "cancel", "filter": { "all": true }, "limit": 0 }), 422, "option_out_of_range", "1 to 1000"),
        (json!({ "action": "cancel", "filter": { "all": true }, "force": 1 }), 422, "invalid_input", "`force`"),
    ] {
        act(&api, body).await.must_be_problem(status, code, says);
    }
    api.get("/v1/jobs/actions").await.must_be_problem(405, "method_not_allowed", "GET");
    assert_eq!(count(&api, "state=queued").await, 1);
}

#[tokio::test]
async fn a_cancel_misses_no_job_that_moves_while_it_goes_through_the_list() {
    let (api, hand) = with_jobs(4).await;
    let mut wish = json!({ "action": "cancel", "filter": { "task": "a" }, "limit": 1 });
    let first = done(&api, wish.clone()).await;
    assert!(first["next"].is_string(), "{first}");
    // Running jobs come first in a list: this one is behind the place where the next call goes on.
    let escaped = hand.claim().await;
    let mut report = first;
    while let Some(next) = report["next"].as_str() {
        wish["cursor"] = json!(next);
        report = done(&api, wish.clone()).await;
    }
    let job = api.get(&format!("/v1/jobs/{}", escaped.id)).await.json();
    assert_eq!((&job["state"], job["cancel_requested_at"].is_string()), (&json!("running"), true), "{job}");
    assert_eq!(count(&api, "state=queued").await, 0);
}
