//! What a job prints: kept up to its caps, drained beyond them, and never waited for once the tree is gone.

use crate::room::{hostile, ready, run, start, supervisor};
use dayfly_common::model::KilledBy;
use dayfly_tests::process::shell;
use dayfly_worker::process::{Exit, Note};
use std::time::{Duration, Instant};

fn texts(notes: &[Note]) -> Vec<String> {
    notes
        .iter()
        .filter_map(|note| match note {
            Note::Leads(_) => None,
            Note::Stderr(at, line) => Some((at, format!("stderr {line}"))),
            Note::Event(at, line) => Some((at, format!("event {line}"))),
            Note::System(at, line) => Some((at, format!("system {line}"))),
            Note::Stuck(at, remains) => Some((at, format!("stuck {remains}"))),
        })
        .map(|(at, text)| {
            assert!(*at > 1_700_000_000_000, "ms since the epoch: {at}");
            text
        })
        .collect()
}

#[tokio::test]
async fn the_three_streams_are_told_apart() {
    let done =
        run(shell("echo result; echo one >&2; echo '{\"progress\":0.5}' >&3; echo odd >&3; printf 'two\\377' >&2"))
            .await;
    assert_eq!(done.ended.stdout, b"result\n");
    assert_eq!(done.ended.stderr_tail, "one\ntwo\u{fffd}");
    let mut seen = texts(&done.notes);
    seen.sort();
    assert_eq!(done.progress.and_then(|told| told.fraction), Some(0.5));
    assert_eq!(seen, ["event odd", "stderr one", "stderr two\u{fffd}"]);
}

#[tokio::test]
async fn output_beyond_its_caps_is_drained_and_marked() {
    let mut job = shell("head -c 50000000 /dev/zero; yes noise | head -c 18000000 >&2; echo last >&2; exit 4");
    (job.max_result, job.max_log) = (1000, 2000);
    let done = run(job).await;
    assert_eq!(done.ended.exit, Exit::Code(4));
    assert_eq!((done.ended.stdout.len(), done.ended.stdout_truncated), (1000, true));
    assert!(done.ended.stderr_tail.ends_with("noise\nlast"), "the tail is the end, not the cap");
    let seen = texts(&done.notes);
    assert_eq!(seen.iter().filter(|text| text.starts_with("system ")).count(), 2, "{seen:?}");
    let kept: usize = seen.iter().filter_map(|text| text.strip_prefix("stderr ")).map(|line| line.len() + 1).sum();
    assert!(kept > 1900 && kept <= 2001, "{kept}");
}

#[tokio::test]
async fn a_flood_does_not_keep_a_job_from_being_ended() {
    let supervisor = supervisor();
    let mut job = hostile("flood");
    job.timeout = Duration::from_millis(500);
    job.grace = Duration::from_millis(100);
    let (mut run, end) = start(&supervisor, job).await;
    ready(&mut run).await;
    let (ended, _) = crate::room::end(end).await;
    assert_eq!((ended.exit, ended.killed_by), (Exit::Signal(9), Some(KilledBy::Deadline)));
    assert!(ended.usage.wall_ms < 2000, "{:?}", ended.usage);
    assert!(ended.stdout_truncated);
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipes_delays_nothing() {
    let mut job = hostile("hold-pipes");
    job.env.push(("HOSTILE_LEADER".into(), "exit".into()));
    let begun = Instant::now();
    let done = run(job).await;
    assert_eq!((done.ended.exit, done.ended.killed_by), (Exit::Code(0), None));
    assert!(done.ended.kill_ms.is_some(), "there was something to kill");
    assert!(begun.elapsed() < Duration::from_secs(3));
}
