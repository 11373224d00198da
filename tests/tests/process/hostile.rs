//! Programs that try to escape: each is ended by its deadline, by a cancel and by its leader's exit.

use crate::room::{end, hostile, mark, ready, start, supervisor};
use dayfly_common::model::KilledBy;
use dayfly_tests::processes_with;
use std::time::Duration;

const SHAPES: &[&str] = &[
    "ignore-term",
    "daemonize",
    "chain",
    "stop",
    "zombies",
    "close-fds",
    "subreaper",
    "tree-200",
    "sessions-200",
    "fork-during-kill",
    "hop",
    "respawn",
    "clone-parent",
    "thread-child",
    "main-exits",
    "vfork",
    "inner-namespace",
];

#[tokio::test]
async fn none_survives_a_cancel() {
    let supervisor = supervisor();
    for shape in SHAPES {
        let mut job = hostile(shape);
        let word = mark(&mut job);
        let (mut run, job) = start(&supervisor, job).await;
        ready(&mut run).await;
        run.control.kill(KilledBy::Cancel, Duration::ZERO);
        let (ended, slot) = end(job).await;
        assert!(processes_with(&word).is_empty(), "{shape}");
        assert_eq!(ended.killed_by, Some(KilledBy::Cancel), "{shape}");
        assert!(!ended.unkillable && slot.is_some(), "{shape}");
        println!("{shape}: {:?} ms", ended.kill_ms);
    }
}

#[tokio::test]
async fn none_survives_its_leader() {
    let supervisor = supervisor();
    for shape in SHAPES {
        let mut job = hostile(shape);
        job.timeout = Duration::from_millis(1500);
        job.grace = Duration::from_millis(100);
        job.env.push(("HOSTILE_LEADER".into(), "exit".into()));
        let word = mark(&mut job);
        let (mut run, job) = start(&supervisor, job).await;
        ready(&mut run).await;
        let (ended, slot) = end(job).await;
        assert!(processes_with(&word).is_empty(), "{shape}");
        assert!(!ended.unkillable && slot.is_some(), "{shape}");
    }
}
