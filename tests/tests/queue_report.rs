//! Report: pid, progress and log lines of the attempt that runs, and of no other.

use dayfly_common::{
    model::Outcome,
    queue::{Line, LineStream, Progress, Report},
};
use dayfly_tests::rig::{Rig, job, success};

fn line(stream: LineStream, text: &str) -> Line {
    Line { stream, at: 1_700_000_000_000, text: text.to_owned() }
}

#[tokio::test]
async fn what_a_running_job_says_can_be_read() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let claim = rig.take("t").await;
    let progress = Progress { fraction: Some(0.5), message: Some("half \"way\"".into()) };
    let lines =
        vec![line(LineStream::Stderr, "one"), line(LineStream::Event, ""), line(LineStream::System, "\u{1f41d}")];
    let report = Report { id, fence: claim.fence.clone(), pid: Some(77), progress: Some(progress.clone()), lines };
    assert!(rig.queue.report(&report).await.expect("an answer"));
    let record = rig.job(id).await.record;
    assert_eq!((record.pid, record.progress), (Some(77), Some(progress)));

    let log = rig.queue.log(id, None, 100).await.expect("lines");
    let seen: Vec<_> = log.iter().map(|line| (line.stream.as_str(), line.line.as_str(), line.at)).collect();
    let at = 1_700_000_000_000;
    assert_eq!(seen, [("stderr", "one", at), ("event", "", at), ("system", "\u{1f41d}", at)]);
    assert_eq!(rig.queue.log(id, Some(log[0].id), 1).await.expect("lines"), log[1..2]);
    assert_eq!(rig.queue.log_tail(id, 2).await.expect("lines"), log[1..]);
    assert!(rig.queue.log(id, Some(log[2].id), 9).await.expect("lines").is_empty());
    assert!(rig.queue.log_tail(id, 0).await.expect("lines").is_empty());
}

#[tokio::test]
async fn an_attempt_that_is_over_writes_nothing() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let claim = rig.take("t").await;
    let fence = claim.fence.clone();
    rig.end(claim, Outcome::Drained).await;
    let late = Report { id, fence, pid: Some(1), progress: None, lines: vec![line(LineStream::Stderr, "late")] };
    assert!(!rig.queue.report(&late).await.expect("an answer"), "queued again");
    let second = rig.take("t").await;
    assert!(!rig.queue.report(&late).await.expect("an answer"), "another attempt runs");
    rig.end(second, success("1")).await;
    assert!(!rig.queue.report(&late).await.expect("an answer"), "ended");
    assert!(rig.queue.log(id, None, 9).await.expect("lines").is_empty());
    assert_eq!(rig.job(id).await.record.pid, None);
}

#[tokio::test]
async fn hints_of_a_talkative_job_are_few() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let claim = rig.take("t").await;
    let events = rig.queue.keys().events();
    let before: i64 = rig.hand.get(&["XLEN", &events]).await;
    let started = std::time::Instant::now();
    for _ in 0..50 {
        let lines = vec![line(LineStream::Stderr, "again")];
        let report = Report { id, fence: claim.fence.clone(), pid: None, progress: None, lines };
        rig.queue.report(&report).await.expect("an answer");
    }
    let hints = rig.hand.get::<i64>(&["XLEN", &events]).await - before;
    let allowed = 1 + i64::try_from(started.elapsed().as_millis() / 190).expect("a short time");
    assert!((1..=allowed).contains(&hints), "{hints} hints, {allowed} allowed");
    assert_eq!(rig.queue.log(id, None, 100).await.expect("lines").len(), 50, "no line is lost");
}
