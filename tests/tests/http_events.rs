//! GET /v1/jobs/{id}/events

use dayfly_common::model::{ErrorKind, JobError, JobId, Outcome};
use dayfly_tests::{Api, Hand, Sse, SseEvent, answer, eventually_async, rig, task};
use reqwest::Method;
use std::time::{Duration, Instant};

async fn with_job() -> (Api, Hand, String) {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    (api, hand, location)
}

async fn open(api: &Api, location: &str) -> Sse {
    Sse::open(api.ask(Method::GET, &format!("{location}/events"))).await
}

async fn resume(api: &Api, location: &str, id: &str) -> Sse {
    Sse::open(api.ask(Method::GET, &format!("{location}/events")).header("last-event-id", id)).await
}

fn lines(events: &[SseEvent]) -> Vec<String> {
    let logs = events.iter().filter(|event| event.name == "log");
    logs.map(|event| event.data["line"].as_str().expect("a line").to_owned()).collect()
}

fn names(events: &[SseEvent]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

fn numbered(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| format!("line {number}")).collect()
}

async fn say_all(hand: &Hand, claim: &dayfly_common::queue::Claim, lines: &[String]) {
    for part in lines.chunks(500) {
        hand.say(claim.id, &claim.fence, &part.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

#[tokio::test]
async fn a_job_is_told_from_its_queue_to_its_end() {
    let (api, hand, location) = with_job().await;
    let mut stream = open(&api, &location).await;
    assert_eq!(stream.headers["cache-control"], "no-store");
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    let first = stream.event().await;
    assert_eq!((first.name.as_str(), &first.data["state"]), ("state", &"queued".into()));
    assert_eq!(first.data["links"]["events"], format!("{location}/events"));
    assert!(first.data.get("input").is_none(), "as lists show it: {}", first.data);
    assert!(stream.retry.is_some_and(|ms| (500..=5_000).contains(&ms)), "{:?}", stream.retry);

    let claim = hand.claim().await;
    let running = stream.event().await;
    assert_eq!((running.name.as_str(), &running.data["state"]), ("state", &"running".into()));
    assert_eq!(running.data["worker"]["id"], hand.id());
    hand.show(claim.id, &claim.fence, 0.5).await;
    let progress = stream.event().await;
    assert_eq!((progress.name.as_str(), &progress.data["fraction"]), ("progress", &0.5.into()));
    hand.say(claim.id, &claim.fence, &["one\u{2028}two \"three\" \u{1f98b}\r", ""]).await;
    let line = stream.event().await;
    assert_eq!((line.name.as_str(), &line.data["stream"]), ("log", &"stderr".into()));
    assert_eq!(line.data["line"], "one\u{2028}two \"three\" \u{1f98b}\r");
    assert_eq!(line.data["at"], "2023-11-14T22:13:20.000Z");
    assert_eq!(stream.event().await.data["line"], "");
    hand.say(claim.id, &claim.fence, &["at the very end"]).await;
    hand.succeed(claim, "1").await;

    let rest = stream.rest().await;
    assert_eq!(names(&rest), ["log", "state", "end"]);
    assert_eq!((&rest[1].data["state"], &rest[2].data["state"]), (&"succeeded".into(), &"succeeded".into()));
    assert!(location.ends_with(rest[2].data["id"].as_str().expect("an id")));
}

#[tokio::test]
async fn an_ended_job_is_told_whole_and_once() {
    let (api, hand, location) = with_job().await;
    let claim = hand.claim().await;
    let all = numbered(0, 2_300);
    say_all(&hand, &claim, &all).await;
    hand.succeed(claim, "1").await;
    let mut stream = open(&api, &location).await;
    let seen = stream.rest().await;
    assert_eq!(lines(&seen), all);
    assert_eq!((seen.len(), seen[0].name.as_str()), (2_302, "state"));
    assert_eq!(seen[2_301].name, "end");
    // A browser comes again by itself: it is told that nothing more comes.
    let again = api.ask(Method::GET, &format!("{location}/events")).header("last-event-id", &stream.last_id);
    assert_eq!(answer(again).await.status, 204);
}

#[tokio::test]
async fn who_comes_again_gets_every_line_once() {
    let (api, hand, location) = with_job().await;
    let claim = hand.claim().await;
    let all = numbered(0, 3_000);
    let (before, after) = all.split_at(1_500);
    say_all(&hand, &claim, before).await;
    let writing = async {
        say_all(&hand, &claim, after).await;
        hand.succeed(claim, "1").await;
    };
    let reading = async {
        let (mut seen, mut last, mut opened) = (Vec::new(), String::new(), 0);
        // Broken off after a while, again and again, also between a state and the lines after it.
        for cut in [1, 2, 700, 3, 1, 900].into_iter().cycle() {
            let mut stream = if opened % 2 == 0 {
                resume(&api, &location, &last).await
            } else {
                Sse::open(api.ask(Method::GET, &format!("{location}/events?last_event_id={last}"))).await
            };
            opened += 1;
            for _ in 0..cut {
                let event = stream.event().await;
                last.clone_from(&event.id);
                let ended = event.name == "end";
                seen.push(event);
                if ended {
                    return seen;
                }
            }
        }
        unreachable!("the cycle has no end")
    };
    let ((), seen) = tokio::join!(writing, reading);
    assert_eq!(lines(&seen), all);
    assert!(!names(&seen).contains(&"reset"));
    assert!(seen.iter().filter(|event| event.name == "state").count() > 3, "a snapshot each time");
}

#[tokio::test]
async fn the_header_counts_more_than_the_query() {
    let (api, hand, location) = with_job().await;
    let claim = hand.claim().await;
    hand.say(claim.id, &claim.fence, &["one", "two", "three"]).await;
    hand.succeed(claim, "1").await;
    let seen = open(&api, &location).await.rest().await;
    let (one, two) = (&seen[1].id, &seen[2].id);
    let request = api.ask(Method::GET, &format!("{location}/events?last_event_id={one}")).header("last-event-id", two);
    assert_eq!(lines(&Sse::open(request).await.rest().await), ["three"]);
}

#[tokio::test]
async fn trimmed_history_is_a_reset_with_all_that_is_left() {
    let (api, hand, location) = with_job().await;
    let by_hand = rig::Hand::of(&api.server.url()).await;
    let claim = hand.claim().await;
    say_all(&hand, &claim, &numbered(0, 300)).await;
    let id = claim.id;
    let seen = {
        let mut stream = open(&api, &location).await;
        let mut seen = Vec::new();
        for _ in 0..50 {
            seen.push(stream.event().await);
        }
        seen
    };
    let log = api.queue.keys().job_log(id);
    by_hand.get::<i64>(&["XTRIM", &log, "MAXLEN", "=", "100"]).await;
    let mut stream = resume(&api, &location, &seen[49].id).await;
    let reset = stream.event().await;
    assert_eq!((reset.name.as_str(), reset.data["reason"].is_string()), ("reset", true));
    assert_eq!(stream.event().await.name, "state");
    let notice = stream.event().await;
    assert_eq!(
        (&notice.data["stream"], &notice.data["line"]),
        (&"system".into(), &"200 earlier lines are no longer kept".into())
    );
    let mut rest = Vec::new();
    for _ in 0..100 {
        rest.push(stream.event().await);
    }
    assert_eq!(lines(&rest), numbered(200, 300));

    // The same under an open stream: it had read all, and then what it had read and more was trimmed.
    by_hand.get::<i64>(&["XTRIM", &log, "MAXLEN", "=", "0"]).await;
    hand.say(id, &claim.fence, &["new"]).await;
    hand.succeed(claim, "1").await;
    let rest = stream.rest().await;
    assert_eq!((rest[0].name.as_str(), rest[1].name.as_str()), ("reset", "state"), "{:?}", names(&rest));
    assert_eq!(lines(&rest).last().map(String::as_str), Some("new"));
}

#[tokio::test]
async fn an_id_of_elsewhere_is_a_reset() {
    let (api, hand, location) = with_job().await;
    let claim = hand.claim().await;
    hand.say(claim.id, &claim.fence, &["one"]).await;
    hand.succeed(claim, "1").await;
    let ids = ["x", "1700000000000-0", "1.2-3", "9.9-9.end", "<script>", "-", &"7".repeat(500)];
    for id in ids {
        let seen = resume(&api, &location, id).await.rest().await;
        assert_eq!(names(&seen), ["reset", "state", "log", "end"], "{id}");
    }
    let nothing = resume(&api, &location, "").await.rest().await;
    assert_eq!(names(&nothing), ["state", "log", "end"]);
}

#[tokio::test]
async fn a_failure_with_a_retry_goes_on() {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    let location = api.post("/v1/tasks/any?retries=1").await.header("location").to_owned();
    let mut stream = open(&api, &location).await;
    let claim = hand.claim().await;
    hand.say(claim.id, &claim.fence, &["first"]).await;
    let error = JobError {
        kind: ErrorKind::ExitCode,
        message: "exit code 3".to_owned(),
        exit_code: Some(3),
        signal: None,
        retryable: true,
        stderr_tail: String::new(),
    };
    hand.finish(claim, Outcome::Failed(error)).await;
    let claim = hand.claim().await;
    hand.say(claim.id, &claim.fence, &["second"]).await;
    hand.succeed(claim, "1").await;
    let seen = stream.rest().await;
    assert_eq!(lines(&seen), ["first", "second"]);
    let states: Vec<_> = seen.iter().filter(|event| event.name == "state").map(|event| &event.data["state"]).collect();
    assert_eq!((states[0], *states.last().expect("one")), (&"queued".into(), &"succeeded".into()));
    assert_eq!(seen.iter().filter(|event| event.name == "end").count(), 1);
}

#[tokio::test]
async fn a_cancel_that_was_asked_for_is_told_at_once() {
    let (api, hand, location) = with_job().await;
    let claim = hand.claim().await;
    let mut stream = open(&api, &location).await;
    assert_eq!(stream.event().await.data["cancel_requested_at"], serde_json::Value::Null);
    let begun = Instant::now();
    assert_eq!(api.post(&format!("{location}/cancel")).await.status, 202);
    let asked = stream.event().await;
    assert_eq!((asked.name.as_str(), &asked.data["state"]), ("state", &"running".into()));
    assert!(asked.data["cancel_requested_at"].is_string(), "{}", asked.data);
    assert!(begun.elapsed() < Duration::from_secs(4), "by an event, not by a look: {:?}", begun.elapsed());
    hand.finish(claim, Outcome::Cancelled).await;
    assert_eq!(stream.rest().await.last().expect("an end").data["state"], "cancelled");
}

#[tokio::test]
async fn a_stream_outlives_redis() {
    let (mut api, hand, location) = with_job().await;
    // What a server that syncs seldom may lose is not what is tested here.
    rig::Hand::of(&api.server.url()).await.get::<String>(&["CONFIG", "SET", "appendfsync", "always"]).await;
    let claim = hand.claim().await;
    hand.say(claim.id, &claim.fence, &["before"]).await;
    let mut stream = open(&api, &location).await;
    let begin = stream.until("log").await;
    assert_eq!(begin[0].data["state"], "running");
    api.server.kill();
    stream.comment(1).await;
    assert!(stream.comments[0].contains("Redis"), "{:?}", stream.comments);
    api.server.restart();
    let snapshot = stream.event().await;
    assert_eq!((snapshot.name.as_str(), &snapshot.data["state"]), ("state", &"running".into()));
    eventually_async("Redis answers", Duration::from_secs(5), || async { api.queue.ping().await.ok() }).await;
    hand.say(claim.id, &claim.fence, &["after"]).await;
    hand.succeed(claim, "1").await;
    let rest = stream.rest().await;
    assert_eq!(names(&rest), ["log", "state", "end"]);
    assert_eq!(lines(&rest), ["after"]);
}

#[tokio::test]
async fn a_job_that_is_gone_is_an_end() {
    let (api, _hand, location) = with_job().await;
    let mut stream = open(&api, &location).await;
    assert_eq!(stream.event().await.name, "state");
    rig::Hand::of(&api.server.url()).await.get::<String>(&["FLUSHALL"]).await;
    let rest = stream.rest().await;
    assert_eq!((names(&rest), &rest[0].data["state"]), (vec!["end"], &serde_json::Value::Null));
    api.get(&format!("{location}/events")).await.must_be_problem(404, "unknown_job", "no job");
}

#[tokio::test]
async fn a_comment_comes_every_15_seconds() {
    let (api, _hand, location) = with_job().await;
    let mut stream = open(&api, &location).await;
    assert_eq!(stream.event().await.name, "state");
    let begun = Instant::now();
    stream.comment(1).await;
    assert!((14..18).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_shutdown_ends_it_cleanly() {
    let (mut api, _hand, location) = with_job().await;
    let mut stream = open(&api, &location).await;
    assert_eq!(stream.event().await.name, "state");
    let begun = Instant::now();
    api.stop();
    assert_eq!(stream.next().await, None);
    api.stopped().await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_cannot_be_followed() {
    let (api, _hand, location) = with_job().await;
    let none = format!("/v1/jobs/{}/events", JobId::now());
    api.get(&none).await.must_be_problem(404, "unknown_job", "no job");
    api.get("/v1/jobs/x/events").await.must_be_problem(400, "bad_id", "");
    let path = format!("{location}/events");
    let picky = api.ask(Method::GET, &path).header("accept", "application/json");
    answer(picky).await.must_be_problem(406, "not_acceptable", "`text/event-stream`");
    api.get(&format!("{path}?last_event=1")).await.must_be_problem(400, "bad_option", "`last_event_id`");
    let posted = api.post(&path).await;
    posted.must_be_problem(405, "method_not_allowed", "");
    assert!(posted.header("allow").contains("GET"));
    let head = answer(api.ask(Method::HEAD, &path)).await;
    assert_eq!((head.status, head.header("content-type"), head.body.len()), (200, "text/event-stream", 0));
}
