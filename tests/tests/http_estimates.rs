//! `queue_position`, `estimated_start_at`, and the run times of a task.

use dayfly_common::{
    model::Outcome,
    queue::{Beat, Presence},
};
use dayfly_tests::{Api, Hand, answer, eventually_async, task};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

const BOUND: Duration = Duration::from_secs(10);

async fn redis(api: &Api) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(api.server.url()).expect("a URL");
    client.get_multiplexed_async_connection().await.expect("a connection")
}

/// Lets the task's last jobs have taken this long, ms.
async fn have_run(api: &Api, name: &str, ms: &[u64]) {
    let key = api.queue.keys().times(&name.parse().expect("a name"));
    let push = redis::cmd("RPUSH").arg(key).arg(ms).query_async::<i64>(&mut redis(api).await).await;
    push.expect("an answer");
}

/// Shows a worker with so many slots, of which so many are in use.
async fn show(api: &Api, hand: &Hand, slots: u32, busy: u32) {
    let presence = Presence { slots, busy, ..hand.presence().clone() };
    let beat = Beat { presence, held: Vec::new(), ttl_ms: 30_000 };
    api.queue.heartbeat(&beat).await.expect("an answer");
}

async fn submitted(api: &Api, name: &str, number: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..number {
        all.push(api.post(&format!("/v1/tasks/{name}")).await.header("location").to_owned());
    }
    all
}

/// Ms from now to the job's estimated start, once there is one that `fits`.
async fn within(api: &Api, location: &str, fits: impl Fn(i64) -> bool) -> i64 {
    eventually_async("an estimate", BOUND, || async {
        let id = location.rsplit('/').next()?.parse().ok()?;
        let view = api.queue.job(id).await.ok()??;
        let job = api.get(location).await.json();
        assert_eq!(job["queue_position"], json!(view.queue_position));
        let text = job["estimated_start_at"].as_str()?.to_owned();
        let now = i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?.as_millis()).ok()?;
        let within = ms_of(&text)? - now;
        fits(within).then_some(within)
    })
    .await
}

/// Of a time of the API, ms since the epoch; the inverse of its own writing.
fn ms_of(text: &str) -> Option<i64> {
    let day = dayfly_common::model::format_rfc3339_ms;
    let (mut low, mut high) = (0_i64, 4_102_444_800_000);
    while low < high {
        let middle = (low + high + 1) / 2;
        if day(middle).as_str() <= text { low = middle } else { high = middle - 1 }
    }
    (day(low) == text).then_some(low)
}

#[tokio::test]
async fn a_queued_job_says_when_it_may_start() {
    let api = Api::start(vec![task("a")]).await;
    let hand = Hand::new(&api.queue, &[task("a")]).await;
    have_run(&api, "a", &[10_000, 20_000, 30_000]).await;
    show(&api, &hand, 4, 4).await;
    let jobs = submitted(&api, "a", 8).await;
    // A slot becomes free each 20 s / 4.
    within(&api, &jobs[0], |ms| (3_000..=5_000).contains(&ms)).await;
    within(&api, &jobs[7], |ms| (38_000..=40_000).contains(&ms)).await;
    // Three slots are free: the third in the queue starts now, the next one waits for another.
    show(&api, &hand, 4, 1).await;
    within(&api, &jobs[2], |ms| ms <= 0).await;
    within(&api, &jobs[3], |ms| (3_000..=5_000).contains(&ms)).await;
}

#[tokio::test]
async fn another_task_takes_its_turns() {
    let api = Api::start(vec![task("a"), task("b")]).await;
    let hand = Hand::new(&api.queue, &[task("a"), task("b")]).await;
    have_run(&api, "a", &[20_000]).await;
    have_run(&api, "b", &[60_000]).await;
    show(&api, &hand, 4, 4).await;
    let jobs = submitted(&api, "a", 1).await;
    within(&api, &jobs[0], |ms| (3_000..=5_000).contains(&ms)).await;
    submitted(&api, "b", 1).await;
    within(&api, &jobs[0], |ms| (18_000..=20_000).contains(&ms)).await;
}

#[tokio::test]
async fn without_data_worker_or_leave_to_start_there_is_none() {
    let api = Api::start(vec![task("a")]).await;
    let hand = Hand::new(&api.queue, &[task("a")]).await;
    show(&api, &hand, 4, 4).await;
    let jobs = submitted(&api, "a", 1).await;
    let estimate = || async { api.get(&jobs[0]).await.json()["estimated_start_at"].clone() };
    let none =
        || async { eventually_async("none", BOUND, || async { estimate().await.is_null().then_some(()) }).await };
    assert_eq!(estimate().await, Value::Null, "nothing has run yet");
    have_run(&api, "a", &[20_000]).await;
    within(&api, &jobs[0], |_| true).await;
    api.post("/v1/tasks/a/pause").await;
    none().await;
    api.post("/v1/tasks/a/resume").await;
    within(&api, &jobs[0], |_| true).await;
    api.queue.depart(hand.id()).await.expect("an answer");
    none().await;
    let later = api.post("/v1/tasks/a?delay=1h").await.header("location").to_owned();
    let later = api.get(&later).await.json();
    assert_eq!((&later["estimated_start_at"], &later["queue_position"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn an_estimate_is_no_part_of_the_tag() {
    let api = Api::start(vec![task("a")]).await;
    let hand = Hand::new(&api.queue, &[task("a")]).await;
    have_run(&api, "a", &[20_000]).await;
    show(&api, &hand, 1, 1).await;
    let jobs = submitted(&api, "a", 2).await;
    within(&api, &jobs[1], |_| true).await;
    let first = api.get(&jobs[1]).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    eventually_async("another estimate", BOUND, || async {
        (api.get(&jobs[1]).await.json()["estimated_start_at"] != first.json()["estimated_start_at"]).then_some(())
    })
    .await;
    let again = answer(api.ask(Method::GET, &jobs[1]).header("if-none-match", &tag)).await;
    assert_eq!((again.status, again.header("etag")), (304, tag.as_str()));
    api.post(&format!("{}/cancel", jobs[0])).await;
    let moved = answer(api.ask(Method::GET, &jobs[1]).header("if-none-match", &tag)).await;
    assert_eq!((moved.status, moved.json()["queue_position"].clone()), (200, json!(0)), "a place nearer");
}

#[tokio::test]
async fn a_task_shows_how_long_its_jobs_run() {
    let api = Api::start(vec![task("a")]).await;
    let hand = Hand::new(&api.queue, &[task("a")]).await;
    assert_eq!(api.get("/v1/tasks/a").await.json()["run_ms"], Value::Null);
    // What was cancelled or given back says nothing of how long a job takes.
    for outcome in [Outcome::Cancelled, Outcome::Drained] {
        submitted(&api, "a", 1).await;
        hand.finish(hand.claim().await, outcome).await;
    }
    assert_eq!(api.get("/v1/tasks/a").await.json()["run_ms"], Value::Null);
    hand.succeed(hand.claim().await, "1").await;
    assert_eq!(api.get("/v1/tasks/a").await.json()["run_ms"]["samples"], json!(1));
    have_run(&api, "a", &(2..=50).map(|at| at * 1_000).collect::<Vec<_>>()).await;
    let run_ms = api.get("/v1/tasks/a").await.json()["run_ms"].clone();
    assert_eq!((&run_ms["p50"], &run_ms["p95"], &run_ms["samples"]), (&json!(25_000), &json!(48_000), &json!(50)));
}

#[tokio::test]
async fn a_bounded_number_of_run_times_is_kept() {
    let api = Api::start(vec![task("a")]).await;
    let hand = Hand::new(&api.queue, &[task("a")]).await;
    have_run(&api, "a", &[3_600_000; 126]).await;
    for _ in 0..3 {
        submitted(&api, "a", 1).await;
        hand.succeed(hand.claim().await, "1").await;
    }
    let key = api.queue.keys().times(&"a".parse().expect("a name"));
    let kept: Vec<u64> =
        redis::cmd("LRANGE").arg(key).arg(0).arg(-1).query_async(&mut redis(&api).await).await.expect("a list");
    assert!(kept.len() < 128 && kept.len() >= 64, "{}", kept.len());
    assert!(kept[..3].iter().all(|ms| *ms < 3_600_000), "the latest are there: {kept:?}");
}
