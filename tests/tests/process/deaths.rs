//! kill -9 of daemon, supervisor and slot: the rest ends the tree.

use crate::room::{end, hostile, mark, ready, run_in, start, supervisor};
use dayfly_tests::{alive, eventually, process::shell, processes_with};
use dayfly_worker::process::{Exit, JobSpec, StartError};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

fn kill_hard(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a process of this test's");
}

/// A daemon in a process of its own, with one running job.
struct Daemon {
    child: Child,
    supervisor: i32,
    slot: i32,
    leader: i32,
    word: String,
}

impl Daemon {
    fn start(shape: &str) -> Self {
        let mut job: JobSpec = hostile(shape);
        let word = mark(&mut job);
        let mut child = Command::new(env!("CARGO_BIN_EXE_process-fixture"))
            .arg("daemon")
            .args(&job.argv)
            .env("DAYFLY_MARK", word.trim_start_matches("DAYFLY_MARK="))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the fixture");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut line = || lines.next().and_then(Result::ok).expect("a line");
        let pids = line();
        let pids: Vec<i32> = pids.split(' ').map(|pid| pid.parse().expect("a pid")).collect();
        let [supervisor, slot, leader] = pids[..] else { panic!("{pids:?}") };
        assert_eq!(line(), "ready");
        Self { child, supervisor, slot, leader, word }
    }

    /// Everything is gone within a second: job, slot, supervisor.
    fn all_gone(&self) {
        assert!(self.leader > 0);
        eventually("no process of the job is left", SECOND, || processes_with(&self.word).is_empty().then_some(()));
        for pid in [self.slot, self.supervisor] {
            eventually("slot and supervisor have ended", SECOND * 5, || (!alive(pid)).then_some(()));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_killed_daemon_leaves_nothing() {
    for shape in ["ignore-term", "daemonize", "hop"] {
        let mut daemon = Daemon::start(shape);
        daemon.child.kill().unwrap();
        daemon.child.wait().unwrap();
        daemon.all_gone();
    }
}

#[test]
fn a_killed_daemon_and_supervisor_leave_nothing() {
    for shape in ["ignore-term", "daemonize"] {
        let mut daemon = Daemon::start(shape);
        kill_hard(daemon.supervisor);
        daemon.child.kill().unwrap();
        daemon.child.wait().unwrap();
        daemon.all_gone();
    }
}

#[tokio::test]
async fn a_killed_supervisor_ends_every_job_and_the_daemon_learns_it() {
    let supervisor = supervisor();
    let mut job = hostile("daemonize");
    let word = mark(&mut job);
    let (mut run, job) = start(&supervisor, job).await;
    ready(&mut run).await;
    kill_hard(supervisor.pid());
    let (ended, _) = end(job).await;
    assert!(processes_with(&word).is_empty());
    assert!(matches!(ended.exit, Exit::Unknown | Exit::Signal(9)), "{:?}", ended.exit);
    assert!(supervisor.open_slot().await.is_err(), "the worker must end");
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
