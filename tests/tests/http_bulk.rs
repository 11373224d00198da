//! POST /v1/jobs: many jobs in one request, each taken or refused for itself, in order.

use dayfly_common::model::{JobId, TaskDef};
use dayfly_tests::{Answer, Api, Hand, answer, task};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;

fn tasks() -> Vec<TaskDef> {
    let mut strict = task("strict");
    strict.input_schema = Some(json!({ "type": "object", "properties": { "n": { "type": "integer" } } }));
    vec![task("any"), strict, TaskDef { max_queued: Some(2), ..task("small") }]
}

async fn post(api: &Api, body: impl Into<reqwest::Body>) -> Answer {
    answer(api.ask(Method::POST, "/v1/jobs").header("content-type", "application/json").body(body)).await
}

async fn post_lines(api: &Api, body: &str) -> Answer {
    answer(api.ask(Method::POST, "/v1/jobs").header("content-type", "application/x-ndjson").body(body.to_owned())).await
}

/// The results, which must be in order.
fn results(answer: &Answer) -> Vec<Value> {
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{}", answer.text());
    let results = answer.json()["results"].as_array().expect("results").clone();
    for (at, result) in results.iter().enumerate() {
        assert_eq!(result["index"], at, "{result}");
    }
    results
}

fn statuses(results: &[Value]) -> Vec<u64> {
    results.iter().map(|result| result["status"].as_u64().expect("a status")).collect()
}

async fn jobs(api: &Api) -> usize {
    api.get("/v1/jobs?limit=500").await.json()["items"].as_array().expect("items").len()
}

#[tokio::test]
async fn jobs_are_taken_in_order_with_every_digit_of_their_input() {
    let api = Api::start(tasks()).await;
    let worker = Hand::new(&api.queue, &tasks()).await;
    let inputs = [r#"{"n" : 123456789012345678901234567890, "x":1.10}"#, "[1e999]", "null", r#""\ud83d\udc1d,]""#];
    let items = inputs.map(|input| format!(r#"{{"task":"any","input": {input} }}"#)).join(" ,\n");
    let answered = post(&api, format!("[{items},{{\"task\":\"any\"}}]")).await;
    let results = results(&answered);
    assert_eq!(statuses(&results), [202; 5]);
    for (result, input) in results.iter().zip(inputs.into_iter().chain(["{}"])) {
        let id: JobId = result["id"].as_str().expect("an id").parse().expect("an id");
        let stored = api.queue.job(id).await.expect("an answer").expect("the job").input;
        assert_eq!(stored.as_deref(), Some(input.as_bytes()));
        assert_eq!(result.as_object().map(serde_json::Map::len), Some(3), "{result}");
    }
    // None is promised an order within one millisecond.
    let mut claimed = HashSet::new();
    while let Some(claim) = worker.try_claim().await {
        claimed.insert(claim.input);
    }
    assert!(inputs.iter().all(|input| claimed.contains(input.as_bytes())), "{claimed:?}");
}

#[tokio::test]
async fn options_are_those_of_a_single_submit() {
    let api = Api::start(tasks()).await;
    let query = "priority=2&retries=3&timeout=30s&delay=1h&expires=2h&retention=1d&label=a:1&label=b:2&unique=u";
    let single = api.post_json(&format!("/v1/tasks/any?{query}"), "{}").await.json();
    let options = json!({
        "priority": 2, "retries": 3, "timeout": "30s", "delay": "1h", "expires": "2h", "retention": "1d",
        "label": ["a:1", "b:2"], "unique": "v",
    });
    let texts = json!({ "priority": "2", "retries": "3", "label": "a:1", "at": "2020-01-01T00:00:00Z", "delay": null });
    let body = json!([{ "task": "any", "options": options }, { "task": "any", "options": texts }]);
    let results = results(&post(&api, body.to_string()).await);
    let read = async |at: usize| {
        let id = results[at]["id"].as_str().unwrap_or_else(|| panic!("{}", results[at]));
        let record = api.queue.job(id.parse().expect("an id")).await.expect("an answer").expect("the job").record;
        (api.get(&format!("/v1/jobs/{id}")).await.json(), record)
    };
    let (many, record) = read(0).await;
    for name in ["priority", "max_attempts", "timeout_ms", "labels", "state"] {
        assert_eq!(many[name], single[name], "{name}");
    }
    assert_eq!((record.retention_ms, record.unique.as_deref()), (Some(86_400_000), Some("v")));
    assert_eq!(record.ready_at - record.created_at, 3_600_000);
    assert_eq!(record.expires_at.map(|at| at - record.created_at), Some(7_200_000));
    let (many, _) = read(1).await;
    assert_eq!((&many["priority"], &many["max_attempts"], &many["labels"]), (&json!(2), &json!(4), &json!({"a": "1"})));
    assert_eq!(many["state"], "queued");
}

#[tokio::test]
async fn each_fails_alone_with_the_problem_of_a_single_submit() {
    let api = Api::start(tasks()).await;
    let deep = format!("{}{}", "[".repeat(101), "]".repeat(101));
    let large = format!("\"{}\"", "x".repeat(64 << 10));
    api.post_json("/v1/tasks/any?unique=held&delay=1h", "{}").await;
    let keyed = |body: &'static str| api.ask(Method::POST, "/v1/tasks/any").header("idempotency-key", "k").body(body);
    answer(keyed("1")).await;
    for _ in 0..2 {
        api.post("/v1/tasks/small").await;
    }
    let mut items = vec![json!({"task": "any"}).to_string()];
    let mut singles = Vec::new();
    for (path, body, item) in [
        ("ayn", "{}", r#"{"task":"ayn"}"#.to_owned()),
        ("strict", r#"{"n":1.5}"#, r#"{"task":"strict","input":{"n":1.5}}"#.to_owned()),
        ("any?timeout=30", "", r#"{"task":"any","options":{"timeout":30}}"#.to_owned()),
        ("any?timeout=30d", "", r#"{"task":"any","options":{"timeout":"30d"}}"#.to_owned()),
        ("any?priority=10", "", r#"{"task":"any","options":{"priority":10}}"#.to_owned()),
        ("any?priority=-1", "", r#"{"task":"any","options":{"priority":-1}}"#.to_owned()),
        ("any?retries=2.5", "", r#"{"task":"any","options":{"retries":2.5}}"#.to_owned()),
        ("any?timout=3s", "", r#"{"task":"any","options":{"timout":"3s"}}"#.to_owned()),
        ("any?expires=1s&delay=2s", "", r#"{"task":"any","options":{"expires":"1s","delay":"2s"}}"#.to_owned()),
        ("any?at=tomorrow", "", r#"{"task":"any","options":{"at":"tomorrow"}}"#.to_owned()),
        ("any?label=x", "", r#"{"task":"any","options":{"label":"x"}}"#.to_owned()),
        ("any?label=x:1&label=x:2", "", r#"{"task":"any","options":{"label":["x:1","x:2"]}}"#.to_owned()),
        ("any?unique=held", "", r#"{"task":"any","options":{"unique":"held"}}"#.to_owned()),
        ("small", "", r#"{"task":"small"}"#.to_owned()),
        ("any", &deep, format!(r#"{{"task":"any","input":{deep}}}"#)),
        ("any", &large, format!(r#"{{"task":"any","input":{large}}}"#)),
    ] {
        let single = api.post_json(&format!("/v1/tasks/{path}"), body).await;
        assert!(single.status >= 400, "{path}");
        singles.push(single);
        items.push(item);
    }
    singles.push(answer(keyed("2")).await);
    items.push(r#"{"task":"any","idempotency_key":"k","input":2}"#.to_owned());
    items.push(r#"{"task":"any"}"#.to_owned());
    for answered in [post(&api, format!("[{}]", items.join(","))).await, post_lines(&api, &items.join("\n")).await] {
        let results = results(&answered);
        assert_eq!(results.len(), singles.len() + 2);
        let (first, last) = (&results[0], &results[results.len() - 1]);
        assert_eq!((&first["status"], &last["status"]), (&json!(202), &json!(202)), "the others are taken");
        for (single, result) in singles.iter().zip(&results[1..]) {
            let (mut alone, mut among) = (single.json(), result["problem"].clone());
            assert_eq!(among["request_id"], answered.header("x-request-id"));
            for problem in [&mut alone, &mut among] {
                problem["request_id"].take();
                // The example of a time is the time of the request.
                if problem["code"] == "bad_option" {
                    problem["detail"] = problem["detail"].as_str().map(|text| text.split(": write it").next()).into();
                }
            }
            assert_eq!((result["status"].as_u64(), among), (Some(u64::from(single.status)), alone));
            let after = result["retry_after"].as_u64().map_or_else(String::new, |seconds| seconds.to_string());
            assert_eq!(after, single.header("retry-after"));
        }
    }
}

#[tokio::test]
async fn items_that_are_none_are_told() {
    let api = Api::start(tasks()).await;
    for (item, status, code, pointer, says) in [
        ("5", 422, "invalid_input", "", "is an object"),
        (r#"{"input":1}"#, 422, "invalid_input", "/task", "`task` must name"),
        (r#"{"task":"any","inputs":1}"#, 422, "invalid_input", "/inputs", "did you mean `input`?"),
        (r#"{"task":"any","options":"x"}"#, 422, "invalid_input", "/options", "must be an object"),
        (r#"{"task":"any","id":"7"}"#, 400, "bad_id", "-", "UUID"),
        (r#"{"task":"any","id":"00000000-0000-0000-0000-000000000000"}"#, 400, "bad_id", "-", "no id at all"),
        (r#"{"task":"any","idempotency_key":""}"#, 400, "bad_id", "-", "1 to 255"),
        (r#"{"task":"any","options":{"label":[1]}}"#, 400, "bad_option", "-", "list of strings"),
        (
            &format!(r#"{{"task":"any","id":"{}","idempotency_key":"k"}}"#, JobId::now()),
            422,
            "option_conflict",
            "-",
            "one",
        ),
    ] {
        let results = results(&post(&api, format!("[{item}]")).await);
        let problem = &results[0]["problem"];
        assert_eq!((&results[0]["status"], &problem["code"]), (&json!(status), &json!(code)), "{item}: {problem}");
        assert!(problem["detail"].as_str().expect("a detail").contains(says), "{item}: {problem}");
        let faulty = problem["errors"][0]["pointer"].as_str().unwrap_or("-");
        assert_eq!(faulty, pointer, "{item}: {problem}");
    }
    assert_eq!(jobs(&api).await, 0);
}

#[tokio::test]
async fn ids_and_keys_make_a_batch_repeatable() {
    let api = Api::start(tasks()).await;
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let body = format!(
        r#"[{{"task":"any","id":"{id}"}},{{"task":"any","idempotency_key":"k"}},{{"task":"any","idempotency_key":"k"}},
            {{"task":"any","id":"{id}","input":2}}]"#
    );
    let first = results(&post(&api, body.clone()).await);
    assert_eq!(statuses(&first), [202, 202, 200, 422]);
    assert_eq!(first[0]["id"], id);
    assert_eq!(first[1]["id"], first[2]["id"]);
    let single = answer(api.ask(Method::POST, "/v1/tasks/any").header("idempotency-key", "k")).await;
    assert_eq!(json!(single.member("id")), first[1]["id"], "the same keys as those of the header");
    assert_eq!(answer(api.ask(Method::PUT, &format!("/v1/jobs/{id}?task=any"))).await.status, 200);
    let bodies = (0..20).map(|_| post(&api, body.clone()));
    for again in futures_util::future::join_all(bodies).await {
        let again = results(&again);
        assert_eq!(statuses(&again), [200, 200, 200, 422]);
        assert_eq!((&again[0]["id"], &again[1]["id"]), (&first[0]["id"], &first[1]["id"]));
    }
    assert_eq!(jobs(&api).await, 2);
}

#[tokio::test]
async fn bounds_of_a_queue_and_unique_keys_hold_within_a_batch() {
    let api = Api::start(tasks()).await;
    let unique = r#"{"task":"any","options":{"unique":"u"}}"#;
    let small = r#"{"task":"small"}"#;
    let results = results(&post(&api, format!("[{unique},{small},{small},{unique},{small}]")).await);
    assert_eq!(statuses(&results), [202, 202, 202, 409, 429]);
    assert_eq!(results[3]["problem"]["job"], results[0]["id"]);
    assert_eq!((&results[4]["problem"]["code"], &results[4]["retry_after"]), (&json!("queue_full"), &json!(5)));
}

#[tokio::test]
async fn a_thousand_are_taken_and_one_more_makes_the_batch_too_large() {
    let api = Api::start(tasks()).await;
    let of =
        |count: usize| (0..count).map(|at| format!(r#"{{"task":"any","input":{at}}}"#)).collect::<Vec<_>>().join("\n");
    post_lines(&api, &of(1_001)).await.must_be_problem(413, "too_large", "at most 1000 jobs");
    assert_eq!(jobs(&api).await, 0, "nothing of it was taken");
    let all = results(&post(&api, format!("[{}]", of(1_000).replace('\n', ","))).await);
    assert_eq!(statuses(&all), vec![202; 1_000]);
    let ids: HashSet<&str> = all.iter().filter_map(|result| result["id"].as_str()).collect();
    assert_eq!(ids.len(), 1_000);
    let last: JobId = all[999]["id"].as_str().expect("an id").parse().expect("an id");
    let stored = api.queue.job(last).await.expect("an answer").expect("the job").input;
    assert_eq!(stored.as_deref(), Some(&b"999"[..]));
}

#[tokio::test]
async fn a_line_that_is_no_json_fails_alone() {
    let api = Api::start(tasks()).await;
    let answered = post_lines(&api, "{\"task\":\"any\"}\r\n\n{\"task\":\n  \n{\"task\":\"any\"}").await;
    let results = results(&answered);
    assert_eq!(statuses(&results), [202, 400, 202]);
    assert_eq!(results[1]["problem"]["code"], "malformed_json");
    assert!(results[1]["problem"]["detail"].as_str().is_some_and(|detail| detail.contains("Job 1 ")));
}

#[tokio::test]
async fn a_body_that_is_no_batch_is_refused_and_nothing_of_it_taken() {
    let api = Api::start(tasks()).await;
    let job = r#"{"task":"any"}"#;
    for (body, says) in [
        (String::new(), "empty"),
        (job.to_owned(), "x-ndjson"),
        (format!("[{job},"), "within the array"),
        (format!("[{job},]"), "where a job should"),
        (format!("[{job}] 5"), "follows"),
        (format!("[{job},{{\"task\":any}}]"), "Job 1 "),
        (format!("[{job},\"\u{1}\"]"), "Job 1 "),
    ] {
        post(&api, body).await.must_be_problem(400, "malformed_json", says);
    }
    let bytes = [b"[{\"task\":\"any\"},\"".as_slice(), b"\xff\"]"].concat();
    post(&api, bytes).await.must_be_problem(400, "malformed_json", "Job 1 ");
    let empty = post(&api, "[]").await;
    assert_eq!((empty.status, empty.text().as_str()), (200, r#"{"results":[]}"#));
    assert_eq!(results(&post_lines(&api, "").await), Vec::<Value>::new());
    assert_eq!(jobs(&api).await, 0);
}

#[tokio::test]
async fn headers_and_options_are_checked_first() {
    let api = Api::start(tasks()).await;
    let ask =
        |name: &'static str, value: &'static str| api.ask(Method::POST, "/v1/jobs").header(name, value).body("[]");
    let refused = answer(ask("content-type", "text/csv")).await;
    refused.must_be_problem(415, "unsupported_media_type", "application/x-ndjson");
    assert_eq!(refused.header("accept-post"), "application/json, application/x-ndjson");
    answer(ask("content-encoding", "gzip")).await.must_be_problem(415, "unsupported_media_type", "Content-Encoding");
    answer(ask("accept", "text/html")).await.must_be_problem(406, "not_acceptable", "application/json");
    answer(ask("origin", "http://evil.example")).await.must_be_problem(403, "forbidden", "evil.example");
    let option = api.ask(Method::POST, "/v1/jobs?timeout=3s").body("[]");
    answer(option).await.must_be_problem(400, "bad_option", "takes none");
    assert_eq!(answer(ask("content-type", "application/x-www-form-urlencoded")).await.status, 200, "curl -d");
}

#[tokio::test]
async fn with_redis_away_each_says_so() {
    let mut api = Api::start(tasks()).await;
    // It has heard that nobody is asked for a token; what it does not know yet it could not say without Redis.
    assert_eq!(api.get("/v1/workers").await.status, 200);
    api.server.kill();
    let results = results(&post(&api, r#"[{"task":"any"},{"task":"ayn"},{"task":"any"}]"#).await);
    assert_eq!(statuses(&results), [503; 3]);
    for result in results {
        assert_eq!((&result["problem"]["code"], &result["retry_after"]), (&json!("redis_unavailable"), &json!(1)));
    }
}

#[tokio::test]
async fn a_key_for_all_of_them_is_not_passed_over() {
    let api = Api::start(tasks()).await;
    let request = api.ask(Method::POST, "/v1/jobs").header("content-type", "application/json");
    let refused = answer(request.header("idempotency-key", "k").body(r#"[{"task":"any"}]"#)).await;
    refused.must_be_problem(400, "bad_option", "give each item an `idempotency_key`");
    assert_eq!(jobs(&api).await, 0);
}
