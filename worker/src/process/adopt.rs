//! The daemon's part when its supervisor was killed: what is left becomes the daemon's children (it is a subreaper), and
//! the daemon ends it.
//!
//! A job's processes are told from the daemon's own children by their session: leaders have called `setsid(2)`, so
//! nothing beneath a supervisor is ever in the daemon's session.

use super::{
    children,
    kill::{UNKILLABLE_AFTER, signal},
    sys::realtime,
};
use nix::{
    sys::{
        signal::{Signal, killpg},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, getpgid, getpgrp, getsid},
};
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

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
    let (done, ended) = oneshot::channel();
    // A thread of its own, since it goes before all others and that cannot be taken back: among the daemon's ordinary ones it
    // would lose against a storm of forks.
    let ending = thread::Builder::new().name("adopted".to_owned()).spawn(move || {
        // Not allowed everywhere; then it is only slower.
        let _ = realtime();
        // The receiver may have been dropped: the work was done all the same.
        let _ = done.send(until_none_is_left());
    });
    match ending {
        Ok(_) => ended.await.unwrap_or(false),
        Err(_) => until_none_is_left(),
    }
}

fn until_none_is_left() -> bool {
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
            // What has ended is only reaped: a storm leaves thousands, and to signal their group for each would take as long again.
            let flags = WaitPidFlag::WNOHANG | WaitPidFlag::__WALL;
            if let Ok(WaitStatus::StillAlive) = waitpid(Pid::from_raw(child), Some(flags)) {
                end_group(child);
                signal(child, Signal::SIGKILL);
            }
        }
        thread::sleep(ROUND);
    }
}

/// What forks and ends without a pause is gone before its pid can be signalled; a group is met at one stroke. An adopted
/// process is of another session than the daemon, and so is all of its group.
fn end_group(child: i32) {
    if let Ok(group) = getpgid(Some(Pid::from_raw(child)))
        && group != getpgrp()
    {
        // An error means that it has ended.
        let _ = killpg(group, Signal::SIGKILL);
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
