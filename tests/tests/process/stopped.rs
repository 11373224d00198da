//! Stopped processes of ours are made to go on where somebody waits for them: a slot that cannot see that its daemon has died,
//! long before a short lease is over; a supervisor that has a dead slot to tell of. A slot that stays stopped is ended, and what
//! it ran or was to run is lost: its worker's fault, not its own.

use crate::{
    daemon::{Daemon, Victim},
    room::{end, hostile, kill_hard, mark, ready, supervisor_in},
};
use dayfly_tests::{eventually, process::shell, processes_with};
use dayfly_worker::process::{BootTime, Exit, Isolation, StartError};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::time::Duration;

#[test]
fn the_job_of_a_stopped_slot_ends_with_its_daemon() {
    for isolation in [Isolation::Auto, Isolation::Tree] {
        let mut daemon = Daemon::start("ignore-term", isolation, &[]);
        kill(Pid::from_raw(daemon.slot), Signal::SIGSTOP).expect("stopped");
        daemon.kill(&[Victim::Daemon]);
        eventually("nothing of its job is left", Duration::from_secs(2), || {
            processes_with(&daemon.word).is_empty().then_some(())
        });
        daemon.all_ended();
    }
}

#[tokio::test]
async fn a_stopped_supervisor_does_not_make_a_job_unkillable() {
    for isolation in [Isolation::Auto, Isolation::Tree] {
        let supervisor = supervisor_in(isolation);
        let slot = supervisor.open_slot().await.expect("a slot");
        let slot_pid = slot.pid();
        let mut job = hostile("daemonize");
        // Not renewed: the daemon ends the slot when this is over.
        job.lease_ttl = Duration::from_secs(2);
        job.lease_limit = BootTime::now().after(job.lease_ttl);
        let word = mark(&mut job);
        let (mut run, job) = slot.start(job).await.map_err(|(error, _)| error).expect("started");
        ready(&mut run).await;
        for pid in [supervisor.pid(), slot_pid] {
            kill(Pid::from_raw(pid), Signal::SIGSTOP).expect("stopped");
        }
        let (ended, _) = end(job).await;
        assert_eq!(processes_with(&word), Vec::<i32>::new(), "{isolation}");
        assert_eq!((ended.exit, ended.unkillable), (Exit::Unknown, false), "{isolation}");
        kill_hard(supervisor.pid());
    }
}

#[tokio::test]
async fn orders_that_a_stopped_slot_never_read_do_not_hide_that_its_job_is_gone() {
    let supervisor = supervisor_in(Isolation::Auto);
    let slot = supervisor.open_slot().await.expect("a slot");
    let slot_pid = slot.pid();
    let mut job = hostile("daemonize");
    job.lease_ttl = Duration::from_secs(2);
    job.lease_limit = BootTime::now().after(job.lease_ttl);
    let (mut run, job) = slot.start(job).await.map_err(|(error, _)| error).expect("started");
    ready(&mut run).await;
    kill(Pid::from_raw(slot_pid), Signal::SIGSTOP).expect("stopped");
    run.control.renew(BootTime::now().after(Duration::from_secs(2)));
    let (ended, _) = end(job).await;
    assert_eq!((ended.exit, ended.unkillable), (Exit::Unknown, false));
}

#[tokio::test]
async fn a_job_handed_to_a_stopped_slot_is_lost_and_not_its_own_failure() {
    let supervisor = supervisor_in(Isolation::Auto);
    let slot = supervisor.open_slot().await.expect("a slot");
    kill(Pid::from_raw(slot.pid()), Signal::SIGSTOP).expect("stopped");
    let mut job = shell("exit 0");
    job.timeout = Duration::from_millis(10);
    job.grace = Duration::ZERO;
    let (error, slot) = slot.start(job).await.map(|_| ()).expect_err("nobody starts it");
    assert!(matches!(error, StartError::SlotGone(_)), "{error:?}");
    assert!(slot.is_none());
}
