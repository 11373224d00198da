//! The daemon's part when its supervisor was killed: what is left becomes the daemon's children (it is a subreaper), and
//! the daemon ends it.
//!
//! A job's processes are told from the daemon's own children by their session: leaders have called `setsid(2)`, so
//! nothing beneath a supervisor is ever in the daemon's session.

use super::{
    children,
    kill::{UNKILLABLE_AFTER, signal},
};
use nix::{
    sys::{
        signal::Signal,
        wait::{WaitPidFlag, waitpid},
    },
    unistd::{Pid, getsid},
};
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const ROUND: Duration = Duration::from_millis(2);

/// Supervisors of this process that have not ended: their trees are theirs.
static SUPERVISORS: Mutex<Option<HashSet<i32>>> = Mutex::new(None);

/// A supervisor has been started.
pub(super) fn started(supervisor: i32) {
    SUPERVISORS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(supervisor);
}

/// A supervisor has ended.
pub(super) fn ended(supervisor: i32) {
    SUPERVISORS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().remove(&supervisor);
}

/// Kills and reaps all adopted processes. False when something does not die.
pub(super) async fn end_all() -> bool {
    let give_up = Instant::now() + UNKILLABLE_AFTER;
    loop {
        let left: Vec<i32> = children::of_all_threads().into_iter().filter(|child| is_adopted(*child)).collect();
        if left.is_empty() {
            return true;
        }
        if Instant::now() >= give_up {
            return false;
        }
        for child in left {
            signal(child, Signal::SIGKILL);
            let flags = WaitPidFlag::WNOHANG | WaitPidFlag::__WALL;
            // What has not ended yet, or was reaped by another run's call of this, is met again or gone.
            let _ = waitpid(Pid::from_raw(child), Some(flags));
        }
        tokio::time::sleep(ROUND).await;
    }
}

fn is_adopted(child: i32) -> bool {
    let supervisors = SUPERVISORS.lock().unwrap_or_else(PoisonError::into_inner);
    if supervisors.as_ref().is_some_and(|all| all.contains(&child)) {
        return false;
    }
    match (getsid(Some(Pid::from_raw(child))), getsid(None)) {
        (Ok(theirs), Ok(ours)) => theirs != ours,
        // It has ended and somebody else has reaped it.
        (Err(_), _) | (_, Err(_)) => false,
    }
}
