//! Ending a tree: SIGKILL to everything that can be seen, reap, again, until `wait4` says there is nothing.
//!
//! A process that is killed hands its children to the slot (the nearest subreaper), where the next round sees them. What
//! forks faster than one round is met by the next one: each round kills every parent of a child that it did not see.

use super::{
    children::Children,
    reaper::{Reaper, Tree},
    sys::wait_for_child_signal,
};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use std::time::{Duration, Instant};

/// What SIGKILL has not ended by then hangs in the kernel.
pub(super) const UNKILLABLE_AFTER: Duration = Duration::from_secs(3);
/// The next round comes with the next SIGCHLD, or after this.
const ROUND: Duration = Duration::from_millis(2);

/// SIGTERM to the leader's group, and SIGCONT so that stopped processes get to see it.
pub(super) fn ask_to_end(reaper: &Reaper) {
    if let Some(leader) = reaper.leader() {
        signal_group(leader, Signal::SIGTERM);
        signal_group(leader, Signal::SIGCONT);
    }
}

/// Kills until nothing is left. [`Tree::Alive`]: something does not die.
pub(super) fn until_empty(reaper: &mut Reaper, children: &mut Children) -> Tree {
    let give_up = Instant::now() + UNKILLABLE_AFTER;
    while reaper.drain() == Tree::Alive {
        if Instant::now() >= give_up {
            return Tree::Alive;
        }
        if let Some(leader) = reaper.leader() {
            signal_group(leader, Signal::SIGKILL);
        }
        for child in children.now() {
            signal(child, Signal::SIGKILL);
        }
        wait_for_child_signal(ROUND);
    }
    Tree::Empty
}

fn signal_group(leader: i32, what: Signal) {
    // An error means that the group has ended: the next `wait4` tells.
    let _ = killpg(Pid::from_raw(leader), what);
}

/// Signals a child of this process. Only its parent may reap it, so the pid cannot have been used again.
pub(super) fn signal(child: i32, what: Signal) {
    // As above.
    let _ = kill(Pid::from_raw(child), what);
}
