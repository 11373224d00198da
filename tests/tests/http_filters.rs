//! GET /v1/jobs by what jobs are and when they came; pages stay bound to their filter.

use dayfly_common::{
    model::{ErrorKind, JobError, JobId, Outcome, format_rfc3339_ms},
    queue::Submit,
};
use dayfly_tests::{Api, Hand, rig, task};
use serde_json::{Value, json};
use std::collections::BTreeMap;

async fn page(api: &Api, query: &str) -> (Vec<String>, Value) {
    let answer = api.get(&format!("/v1/jobs?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let page = answer.json();
    let id = |job: &Value| job["id"].as_str().expect("an id").to_owned();
    (page["items"].as_array().expect("a list").iter().map(id).collect(), page["next"].clone())
}

async fn ids(api: &Api, query: &str) -> Vec<String> {
    page(api, query).await.0
}

async fn labelled(api: &Api, labels: &[(&str, &str)]) -> JobId {
    let labels: BTreeMap<_, _> = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let job = Submit { labels, ..rig::job("a") };
    api.queue.submit(&job).await.expect("taken");
    job.id
}

fn failed(kind: ErrorKind) -> Outcome {
    let message = "for a test".to_owned();
    let (exit_code, signal, stderr_tail) = (None, None, String::new());
    Outcome::Failed(JobError { kind, message, exit_code, signal, retryable: false, stderr_tail })
}

#[tokio::test]
async fn by_label_each_and_together() {
    let api = Api::start(vec![task("a")]).await;
    let both = labelled(&api, &[("team", "blue"), ("url", "http://x:80/é")]).await.to_string();
    let blue = labelled(&api, &[("team", "blue")]).await.to_string();
    labelled(&api, &[("team", "red"), ("blue", "team")]).await;
    labelled(&api, &[]).await;
    assert_eq!(ids(&api, "label=team:blue").await, [both.clone(), blue]);
    assert_eq!(ids(&api, "label=team:blue&label=url:http://x:80/%C3%A9").await, std::slice::from_ref(&both));
    assert_eq!(ids(&api, "label=team:blue&state=running").await, [""; 0]);
    assert_eq!(ids(&api, "label=team:green").await, [""; 0]);
    let item = api.get("/v1/jobs?label=url:http://x:80/%C3%A9").await.json()["items"][0].clone();
    assert_eq!(item["labels"], json!({ "team": "blue", "url": "http://x:80/é" }));
}

#[tokio::test]
async fn by_kind_of_error_and_by_worker() {
    let api = Api::start(vec![task("a")]).await;
    let hand = Hand::new(&api.queue, &[task("a")]).await;
    let mut jobs = Vec::new();
    for outcome in [failed(ErrorKind::Timeout), failed(ErrorKind::Oom), Outcome::Cancelled] {
        jobs.push(labelled(&api, &[]).await.to_string());
        hand.finish(hand.claim().await, outcome).await;
    }
    let running = labelled(&api, &[]).await.to_string();
    let _claim = hand.claim().await;
    labelled(&api, &[]).await;
    assert_eq!(ids(&api, "error_kind=timeout").await, [jobs[0].clone()]);
    assert_eq!(ids(&api, "error_kind=oom&state=failed").await, [jobs[1].clone()]);
    assert_eq!(ids(&api, "error_kind=lost").await, [""; 0]);
    let mut by_worker = ids(&api, &format!("worker={}", hand.id())).await;
    assert_eq!(by_worker.remove(0), running, "running ones first");
    by_worker.sort_unstable();
    jobs.sort_unstable();
    assert_eq!(by_worker, jobs);
    assert_eq!(ids(&api, "worker=another").await, [""; 0]);
}

#[tokio::test]
async fn by_when_they_came() {
    let api = Api::start(vec![task("a")]).await;
    let hand = Hand::new(&api.queue, &[task("a")]).await;
    let mut times = Vec::new();
    for _ in 0..3 {
        let id = labelled(&api, &[]).await;
        hand.succeed(hand.claim().await, "1").await;
        let created_at = api.queue.job(id).await.expect("an answer").expect("the job").record.created_at;
        times.push((id.to_string(), created_at));
        // Each in a ms of its own.
        while server_ms(&api).await <= created_at {}
    }
    let at = |job: usize| format_rfc3339_ms(times[job].1);
    let of = |jobs: &[usize]| jobs.iter().map(|job| times[*job].0.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&api, &format!("since={}", at(1))).await, of(&[2, 1]), "from then on");
    assert_eq!(ids(&api, &format!("until={}", at(1))).await, of(&[0]), "before");
    assert_eq!(ids(&api, &format!("since={}&until={}", at(1), at(2))).await, of(&[1]));
    assert_eq!(ids(&api, "since=2999-01-01T00:00:00%2B01:00").await, [""; 0]);
}

async fn server_ms(api: &Api) -> i64 {
    let redis = redis::Client::open(api.server.url()).expect("a URL");
    let mut redis = redis.get_multiplexed_async_connection().await.expect("a connection");
    let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(&mut redis).await.expect("the time");
    seconds * 1_000 + micros / 1_000
}

#[tokio::test]
async fn pages_of_a_filter_hold_every_match_once() {
    let api = Api::start(vec![task("a")]).await;
    let mut wanted = Vec::new();
    for at in 0..700 {
        let id = labelled(&api, &[("third", if at % 3 == 0 { "yes" } else { "no" })]).await;
        if at % 3 == 0 {
            wanted.push(id.to_string());
        }
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/jobs?label=third:yes&state=queued&limit=50".to_owned());
    loop {
        let answer = api.get(&path).await;
        let page = answer.json();
        let items = page["items"].as_array().expect("a list");
        seen.extend(items.iter().map(|job| job["id"].as_str().expect("an id").to_owned()));
        let link = answer.header("link");
        if page["next"].is_null() {
            break;
        }
        path = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).expect("a link").to_owned();
        assert!(path.contains("label=third%3Ayes") && path.contains("limit=50"), "{path}");
    }
    assert!(seen.len() == wanted.len(), "{} of {}", seen.len(), wanted.len());
    seen.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn a_cursor_belongs_to_its_filter() {
    let api = Api::start(vec![task("a")]).await;
    for _ in 0..3 {
        labelled(&api, &[("x", "1")]).await;
    }
    let (first, next) = page(&api, "label=x:1&limit=1").await;
    let next = next.as_str().expect("a cursor").to_owned();
    let (second, _) = page(&api, &format!("label=x:1&limit=2&cursor={next}")).await;
    assert_eq!((first.len(), second.len()), (1, 2), "another size of the page is no other list");
    for other in
        ["", "label=x:2&", "label=x:1&task=a&", "label=x:1&since=2020-01-01T00:00:00Z&", "label=x:1&state=queued&"]
    {
        let answer = api.get(&format!("/v1/jobs?{other}limit=1&cursor={next}")).await;
        answer.must_be_problem(400, "bad_cursor", "another filter");
    }
    for broken in [&next[1..], &format!("{next}0"), "0.r", "00000000.r~1"] {
        let answer = api.get(&format!("/v1/jobs?label=x:1&cursor={broken}")).await;
        answer.must_be_problem(400, "bad_cursor", "cursor");
    }
}

#[tokio::test]
async fn filters_that_are_none_are_explained() {
    let api = Api::start(vec![task("a")]).await;
    for (query, status, code, says) in [
        ("error_kind=boredom", 400, "bad_option", "use exit_code, signal"),
        ("error_kind=timeout&state=running", 422, "option_conflict", "No running job"),
        ("label=team", 400, "bad_option", "name:value"),
        ("label=:blue", 400, "bad_option", "name:value"),
        ("label=team:blue&label=team:red", 422, "option_conflict", "two values"),
        ("since=yesterday", 400, "bad_option", "RFC 3339"),
        ("since=2024-01-01T00:00:00Z&until=2024-01-01T00:00:00Z", 422, "option_conflict", "before `until`"),
        ("until=1700000000", 400, "bad_option", "RFC 3339"),
        ("worker=", 400, "bad_option", "GET /v1/workers"),
        ("worker=a&worker=b", 400, "bad_option", "twice"),
        ("labels=a:b", 400, "bad_option", "`label`"),
    ] {
        api.get(&format!("/v1/jobs?{query}")).await.must_be_problem(status, code, says);
    }
}
