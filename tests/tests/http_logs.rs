//! GET /v1/jobs/{id}/logs

use dayfly_common::{
    model::{Fence, JobId},
    queue::{Line, LineStream, Report},
};
use dayfly_tests::{Api, Hand, answer, eventually_async, task};
use futures_util::StreamExt as _;
use reqwest::Method;
use std::time::Duration;

async fn with_job() -> (Api, Hand, String) {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    (api, hand, format!("{location}/logs"))
}

async fn say(api: &Api, id: JobId, fence: &Fence, lines: &[(LineStream, &str)]) {
    let line = |&(stream, text): &(LineStream, &str)| Line { stream, at: 1_700_000_000_000, text: text.to_owned() };
    let lines = lines.iter().map(line).collect();
    let report = Report { id, fence: fence.clone(), pid: None, progress: None, lines };
    assert!(api.queue.report(&report).await.expect("an answer"), "the lines are taken");
}

#[tokio::test]
async fn lines_come_as_they_were_and_tail_gives_the_last() {
    let (api, hand, path) = with_job().await;
    let empty = api.get(&path).await;
    assert_eq!((empty.status, empty.text()), (200, String::new()));
    let claim = hand.claim().await;
    let lines = [(LineStream::Stderr, "one"), (LineStream::Stderr, "<two> \u{1f98b}"), (LineStream::System, "three")];
    say(&api, claim.id, &claim.fence, &lines).await;
    let all = api.get(&path).await;
    assert_eq!(all.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(all.text(), "one\n<two> \u{1f98b}\n[dayfly] three\n");
    assert_eq!(api.get(&format!("{path}?tail=2")).await.text(), "<two> \u{1f98b}\n[dayfly] three\n");
    assert_eq!(api.get(&format!("{path}?tail=0")).await.text(), "");
    hand.succeed(claim, "1").await;
    assert_eq!(api.get(&format!("{path}?follow=1")).await.text(), all.text());
}

#[tokio::test]
async fn a_long_log_comes_whole() {
    let (api, hand, path) = with_job().await;
    let claim = hand.claim().await;
    let lines: Vec<String> = (0..2_500).map(|number| format!("line {number}")).collect();
    for part in lines.chunks(500) {
        let part: Vec<_> = part.iter().map(|line| (LineStream::Stderr, line.as_str())).collect();
        say(&api, claim.id, &claim.fence, &part).await;
    }
    assert_eq!(api.get(&path).await.text(), lines.join("\n") + "\n");
    assert_eq!(api.get(&format!("{path}?tail=1")).await.text(), "line 2499\n");
}

#[tokio::test]
async fn a_follower_sees_lines_as_they_come_and_the_end() {
    let (api, hand, path) = with_job().await;
    let claim = hand.claim().await;
    let (id, fence) = (claim.id, claim.fence.clone());
    say(&api, id, &fence, &[(LineStream::Stderr, "before"), (LineStream::Stderr, "last")]).await;
    let request = api.ask(Method::GET, &format!("{path}?follow=1&tail=1"));
    let mut stream = request.send().await.expect("an answer").bytes_stream();
    let mut seen = String::new();
    while let Some(piece) = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("in time") {
        seen.push_str(&String::from_utf8_lossy(&piece.expect("a piece")));
        if seen == "last\n" {
            say(&api, id, &fence, &[(LineStream::Stderr, "later")]).await;
        } else if seen == "last\nlater\n" {
            break;
        }
    }
    say(&api, id, &fence, &[(LineStream::Stderr, "at the very end")]).await;
    hand.succeed(claim, "1").await;
    while let Some(piece) = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.expect("an end in time")
    {
        seen.push_str(&String::from_utf8_lossy(&piece.expect("a piece")));
    }
    assert_eq!(seen, "last\nlater\nat the very end\n");
}

#[tokio::test]
async fn a_shutdown_ends_a_follower() {
    let (mut api, hand, path) = with_job().await;
    let claim = hand.claim().await;
    say(&api, claim.id, &claim.fence, &[(LineStream::Stderr, "a line")]).await;
    let following = tokio::spawn(answer(api.ask(Method::GET, &format!("{path}?follow=1"))));
    eventually_async("the follower is there", Duration::from_secs(5), || async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Some(())
    })
    .await;
    api.stop();
    api.stopped().await;
    assert_eq!(following.await.expect("an end").text(), "a line\n");
}

#[tokio::test]
async fn options_that_are_wrong() {
    let (api, _hand, path) = with_job().await;
    api.get(&format!("{path}?tail=few")).await.must_be_problem(400, "bad_option", "whole number");
    api.get(&format!("{path}?follow=maybe")).await.must_be_problem(400, "bad_option", "1 or 0");
    api.get(&format!("{path}?folow=1")).await.must_be_problem(400, "bad_option", "`follow`");
    let picky = api.ask(Method::GET, &path).header("accept", "application/json");
    answer(picky).await.must_be_problem(406, "not_acceptable", "`text/plain`");
}
