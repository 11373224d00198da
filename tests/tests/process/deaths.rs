//! kill -9 of supervisor and slot as their daemon sees it: the tree is gone when the end is told.

use crate::room::{end, hostile, kill_hard, mark, ready, run_in, start, supervisor, supervisor_in};
use dayfly_tests::{alive, eventually, process::shell, processes_with};
use dayfly_worker::process::{Exit, Isolation, StartError};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_killed_supervisor_ends_every_job_and_the_daemon_learns_it() {
    for isolation in [Isolation::Auto, Isolation::Tree] {
        let supervisor = supervisor_in(isolation);
        let mut job = hostile("daemonize");
        let word = mark(&mut job);
        let (mut run, job) = start(&supervisor, job).await;
        ready(&mut run).await;
        kill_hard(supervisor.pid());
        let (ended, _) = end(job).await;
        assert!(processes_with(&word).is_empty());
        // Lost, and not a failure of the job's own.
        assert_eq!((ended.exit, ended.killed_by), (Exit::Unknown, None), "{isolation}");
        assert!(supervisor.open_slot().await.is_err(), "the worker must end");
    }
}

#[tokio::test]
async fn a_killed_slot_loses_only_its_job() {
    let supervisor = supervisor();
    for shape in ["ignore-term", "daemonize", "chain", "hop"] {
        let slot = supervisor.open_slot().await.unwrap();
        let slot_pid = slot.pid();
        let mut job = hostile(shape);
        let word = mark(&mut job);
        let (mut run, job) = slot.start(job).await.map_err(|(error, _)| error).unwrap();
        ready(&mut run).await;
        kill_hard(slot_pid);
        let (ended, slot) = end(job).await;
        assert!(processes_with(&word).is_empty(), "{shape}: its end is told when nothing is left");
        assert_eq!((ended.exit, ended.killed_by, ended.unkillable), (Exit::Unknown, None, false), "{shape}");
        assert!(slot.is_none());
    }
    let fresh = supervisor.open_slot().await.unwrap();
    assert_eq!(run_in(fresh, shell("exit 3")).await.ended.exit, Exit::Code(3));
}

#[tokio::test]
async fn a_slot_that_died_idle_is_told_at_the_next_start() {
    let supervisor = supervisor();
    let slot = supervisor.open_slot().await.unwrap();
    let pid = slot.pid();
    kill_hard(pid);
    eventually("the slot has died", SECOND, || (!alive(pid)).then_some(()));
    let (error, slot) = slot.start(shell("exit 0")).await.map(|_| ()).expect_err("it is dead");
    assert!(matches!(error, StartError::SlotGone(_)), "{error:?}");
    assert!(slot.is_none());
}

#[tokio::test]
async fn dropping_the_supervisor_ends_everything() {
    let supervisor = supervisor();
    let pid = supervisor.pid();
    let mut job = hostile("daemonize");
    let word = mark(&mut job);
    let (mut run, end) = start(&supervisor, job).await;
    ready(&mut run).await;
    drop((run, end, supervisor));
    let gone = || (processes_with(&word).is_empty() && !alive(pid)).then_some(());
    dayfly_tests::eventually_async("job and supervisor have ended", SECOND * 5, || async { gone() }).await;
}

#[tokio::test]
async fn a_stopped_slot_is_replaced_and_its_job_ended() {
    let supervisor = supervisor();
    let slot = supervisor.open_slot().await.unwrap();
    let slot_pid = slot.pid();
    let mut job = hostile("daemonize");
    job.lease_ttl = Duration::from_secs(2);
    job.lease_limit = dayfly_worker::process::BootTime::now().after(job.lease_ttl);
    let limit = job.lease_limit;
    let word = mark(&mut job);
    let (mut run, job) = slot.start(job).await.map_err(|(error, _)| error).unwrap();
    ready(&mut run).await;
    kill(Pid::from_raw(slot_pid), Signal::SIGSTOP).unwrap();
    let (ended, slot) = end(job).await;
    let left = limit.since(dayfly_worker::process::BootTime::now());
    assert!(processes_with(&word).is_empty());
    assert_eq!(ended.exit, Exit::Unknown);
    assert!(left >= Duration::from_millis(200), "gone by L - ttl/10: {left:?}");
    assert!(slot.is_none());
}
