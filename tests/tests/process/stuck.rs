//! What SIGKILL does not end: said, waited for, and then given up with its slot. A frozen control group (version 1) stands for a
//! disk that hangs: what is in it takes no signal.

use crate::room::{BOUND, end, ready, run_in, start, supervisor};
use dayfly_common::model::KilledBy;
use dayfly_tests::{alive, eventually, process::shell};
use dayfly_worker::process::{Exit, Note, Run};
use std::{fs, path::PathBuf, time::Duration};

struct Freezer(PathBuf);

impl Freezer {
    /// Freezes one process; `None` where that cannot be done.
    fn around(pid: i32) -> Option<Self> {
        let path = PathBuf::from(format!("/sys/fs/cgroup/freezer/dayfly-test-{pid}"));
        fs::create_dir(&path).ok()?;
        let freezer = Self(path);
        fs::write(freezer.0.join("cgroup.procs"), pid.to_string()).ok()?;
        freezer.set("FROZEN");
        eventually("it is frozen", BOUND, || {
            fs::read_to_string(freezer.0.join("freezer.state"))
                .is_ok_and(|state| state.trim() == "FROZEN")
                .then_some(())
        });
        Some(freezer)
    }

    fn set(&self, state: &str) {
        fs::write(self.0.join("freezer.state"), state).expect("a freezer");
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        self.set("THAWED");
        eventually("the group is empty", BOUND, || fs::remove_dir(&self.0).is_ok().then_some(()));
    }
}

async fn until_stuck(run: &mut Run) -> String {
    let told = async {
        while let Some(note) = run.notes.recv().await {
            if let Note::Stuck(_, remains) = note {
                return remains;
            }
        }
        panic!("it ended");
    };
    tokio::time::timeout(BOUND, told).await.expect("in time")
}

#[tokio::test]
async fn what_comes_back_in_time_ends_as_it_should_have() {
    let supervisor = supervisor();
    let mut job = shell("echo ready >&3; exec sleep 60");
    job.patience = BOUND;
    let (mut run, job) = start(&supervisor, job).await;
    ready(&mut run).await;
    let Some(freezer) = Freezer::around(run.pid) else { return };
    run.control.kill(KilledBy::Cancel, Duration::ZERO);
    let remains = until_stuck(&mut run).await;
    assert!(remains.starts_with("sleep (pid "), "{remains}");
    drop(freezer);
    let (ended, slot) = end(job).await;
    assert_eq!((ended.exit, ended.killed_by, ended.unkillable), (Exit::Signal(9), Some(KilledBy::Cancel), false));
    assert!(ended.kill_ms.is_some_and(|ms| ms >= 3000), "{ended:?}");
    assert!(slot.is_some(), "the slot takes the next job");
}

#[tokio::test]
async fn what_does_not_is_unkillable_and_its_slot_retires() {
    let supervisor = supervisor();
    let mut job = shell("echo ready >&3; exec sleep 60");
    job.patience = Duration::from_millis(300);
    let (mut run, job) = start(&supervisor, job).await;
    ready(&mut run).await;
    let pid = run.pid;
    let Some(freezer) = Freezer::around(pid) else { return };
    run.control.kill(KilledBy::Cancel, Duration::ZERO);
    until_stuck(&mut run).await;
    let (ended, slot) = end(job).await;
    assert!(ended.remains.starts_with("sleep (pid "), "{ended:?}");
    assert!(ended.unkillable && alive(pid), "{ended:?}");
    assert!(slot.is_none());
    let fresh = supervisor.open_slot().await.expect("another slot");
    assert_eq!(run_in(fresh, shell("exit 3")).await.ended.exit, Exit::Code(3), "other jobs go on");
    drop(freezer);
    eventually("it dies as soon as it can", BOUND, || (!alive(pid)).then_some(()));
}
