//! GET /v1/jobs/{id}/logs?follow=1: what `curl -N` shows.

use dayfly_common::model::{ErrorKind, JobError, Outcome};
use dayfly_tests::{Api, Daemon, Hand, answer, dayfly_binary, eventually_async, free_port, rig, task};
use futures_util::{Stream, StreamExt as _};
use reqwest::Method;
use std::{
    pin::Pin,
    process::Stdio,
    time::{Duration, Instant},
};

const LONG: Duration = Duration::from_secs(20);

async fn with_job(options: &str) -> (Api, Hand, String) {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    let location = api.post(&format!("/v1/tasks/any{options}")).await.header("location").to_owned();
    (api, hand, format!("{location}/logs"))
}

struct Text {
    pieces: Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>> + Send>>,
    seen: String,
}

impl Text {
    async fn open(api: &Api, path: &str) -> Self {
        let answer = api.ask(Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(answer.headers()["x-accel-buffering"], "no");
        let pieces = answer.bytes_stream().map(|piece| piece.map(|bytes| bytes.to_vec()));
        Self { pieces: Box::pin(pieces), seen: String::new() }
    }

    async fn more(&mut self) -> bool {
        let piece = tokio::time::timeout(LONG, self.pieces.next()).await.expect("something in time");
        let Some(piece) = piece else { return false };
        self.seen.push_str(&String::from_utf8_lossy(&piece.expect("a piece")));
        true
    }

    async fn until(&mut self, end: &str) {
        while !self.seen.ends_with(end) {
            assert!(self.more().await, "it ended with {}", self.seen);
        }
    }

    async fn rest(mut self) -> String {
        while self.more().await {}
        self.seen
    }
}

#[tokio::test]
async fn a_job_that_waits_and_is_retried_is_followed_to_its_end() {
    let (api, hand, path) = with_job("?retries=1").await;
    let mut text = Text::open(&api, &format!("{path}?follow=1")).await;
    let claim = hand.claim().await;
    hand.say(claim.id, &claim.fence, &["first"]).await;
    text.until("first\n").await;
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
    assert_eq!(text.rest().await, "first\nsecond\n");
}

#[tokio::test]
async fn a_tail_is_where_it_begins() {
    let (api, hand, path) = with_job("").await;
    let claim = hand.claim().await;
    hand.say(claim.id, &claim.fence, &["1", "2", "3"]).await;
    let mut two = Text::open(&api, &format!("{path}?tail=2&follow=1")).await;
    let none = Text::open(&api, &format!("{path}?tail=0&follow=true")).await;
    two.until("3\n").await;
    hand.say(claim.id, &claim.fence, &["4"]).await;
    two.until("4\n").await;
    hand.succeed(claim, "1").await;
    assert_eq!(two.rest().await, "2\n3\n4\n");
    assert_eq!(none.rest().await, "4\n");
}

#[tokio::test]
async fn lines_close_behind_others_are_shown_soon() {
    let (api, hand, path) = with_job("").await;
    let claim = hand.claim().await;
    let mut text = Text::open(&api, &format!("{path}?follow=1")).await;
    // Events are at most five a second: the second of these lines has none of its own.
    let begun = Instant::now();
    for line in ["one", "two"] {
        hand.say(claim.id, &claim.fence, &[line]).await;
        text.until(&format!("{line}\n")).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn lines_that_are_no_longer_kept_are_told() {
    let (api, hand, path) = with_job("").await;
    let by_hand = rig::Hand::of(&api.server.url()).await;
    let claim = hand.claim().await;
    hand.say(claim.id, &claim.fence, &["1", "2", "3", "4"]).await;
    let log = api.queue.keys().job_log(claim.id);
    by_hand.get::<i64>(&["XTRIM", &log, "MAXLEN", "=", "2"]).await;
    let told = "[dayfly] 2 earlier lines are no longer kept\n3\n4\n";
    assert_eq!(api.get(&path).await.text(), told);
    assert_eq!(api.get(&format!("{path}?tail=3")).await.text(), told);
    assert_eq!(api.get(&format!("{path}?tail=2")).await.text(), "3\n4\n");
    let mut text = Text::open(&api, &format!("{path}?follow=1")).await;
    text.until("4\n").await;
    by_hand.get::<i64>(&["XTRIM", &log, "MAXLEN", "=", "0"]).await;
    hand.say(claim.id, &claim.fence, &["9"]).await;
    hand.succeed(claim, "1").await;
    let all = text.rest().await;
    assert_eq!(all, format!("{told}[dayfly] lines are missing here: they are no longer kept\n9\n"));
}

#[tokio::test]
async fn a_follower_outlives_redis_and_is_told_when_the_job_is_gone() {
    let (mut api, hand, path) = with_job("").await;
    rig::Hand::of(&api.server.url()).await.get::<String>(&["CONFIG", "SET", "appendfsync", "always"]).await;
    let claim = hand.claim().await;
    hand.say(claim.id, &claim.fence, &["before"]).await;
    let mut text = Text::open(&api, &format!("{path}?follow=1")).await;
    text.until("before\n").await;
    api.server.restart();
    eventually_async("Redis answers", Duration::from_secs(5), || async { api.queue.ping().await.ok() }).await;
    hand.say(claim.id, &claim.fence, &["after"]).await;
    text.until("after\n").await;
    rig::Hand::of(&api.server.url()).await.get::<String>(&["FLUSHALL"]).await;
    assert_eq!(text.rest().await, "before\nafter\n[dayfly] the job is no longer kept\n");
}

#[tokio::test]
async fn a_head_has_no_body() {
    let (api, _hand, path) = with_job("").await;
    for path in [path.clone(), format!("{path}?follow=1&tail=5")] {
        let head = answer(api.ask(Method::HEAD, &path)).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-type"), "text/plain; charset=utf-8");
    }
    for tail in ["-1", "1.5", "", "all"] {
        let wrong = api.get(&format!("{path}?follow=1&tail={tail}")).await;
        wrong.must_be_problem(400, "bad_option", "whole number");
    }
    api.get(&format!("{path}?tail=100001")).await.must_be_problem(422, "option_out_of_range", "100000");
}

#[tokio::test]
async fn curl_shows_lines_as_they_come() {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let (api, hand, path) = with_job("").await;
    let claim = hand.claim().await;
    hand.say(claim.id, &claim.fence, &["one", "two"]).await;
    let mut curl = tokio::process::Command::new("curl")
        .args(["-fsSN", &format!("http://{}{path}?follow=1&tail=1", api.address())])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("curl");
    let mut lines = BufReader::new(curl.stdout.take().expect("its output")).lines();
    let mut next = async || tokio::time::timeout(LONG, lines.next_line()).await.expect("in time").expect("readable");
    assert_eq!(next().await.as_deref(), Some("two"));
    hand.say(claim.id, &claim.fence, &["three"]).await;
    assert_eq!(next().await.as_deref(), Some("three"));
    hand.succeed(claim, "1").await;
    assert_eq!(next().await, None);
    assert!(curl.wait().await.expect("its end").success());
}

/// With a limit of 384 open files, 192 streams find a place: of all kinds, and again after the others have left.
#[tokio::test]
async fn streams_are_counted_and_leave_room() {
    let (api, _hand, path) = with_job("").await;
    let (dir, port) = (tempfile::tempdir().expect("a folder"), free_port());
    let program = dayfly_binary().display().to_string();
    let (listen, url) = (format!("127.0.0.1:{port}"), api.server.url());
    let words = ["--nofile=384:384", &program, "api", "--listen", &listen, "--redis-url", &url];
    let _daemon = Daemon::start_program("prlimit".as_ref(), "api", dir.path(), words, "info");
    let ask = |path: &str| api.client.get(format!("http://127.0.0.1:{port}{path}"));
    eventually_async("it listens", LONG, || async { ask("/readyz").send().await.ok() }).await;

    let kinds = [format!("{path}?follow=1"), path.replace("/logs", "/events"), "/v1/events".to_owned()];
    let mut open = Vec::new();
    for kind in kinds.iter().cycle().take(192) {
        let stream = ask(kind).send().await.expect("an answer");
        assert_eq!(stream.status(), 200, "{kind} {}", open.len());
        open.push(stream);
    }
    for kind in &kinds {
        let refused = answer(ask(kind)).await;
        refused.must_be_problem(503, "too_many_streams", "192 streams");
        assert_eq!(refused.header("retry-after"), "5");
    }
    assert_eq!(ask(&path).send().await.expect("an answer").status(), 200, "others are answered");
    open.truncate(189);
    let mut again = Vec::new();
    for kind in &kinds {
        let found = eventually_async("a place is free", LONG, || async {
            Some(ask(kind).send().await.expect("an answer")).filter(|answer| answer.status() == 200)
        });
        again.push(found.await);
    }
}
