//! A stopped slot cannot see that its daemon has died: the supervisor makes it go on, long before a short lease is over.

use crate::daemon::{Daemon, Victim};
use dayfly_tests::{eventually, processes_with};
use dayfly_worker::process::Isolation;
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
