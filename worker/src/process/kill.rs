//! Ending a tree: SIGKILL to everything that can be seen, reap, again, until `wait4` says there is nothing.
//!
//! A process that is killed hands its children to the slot (the nearest subreaper), where the next round sees them. What
//! forks faster than one round is met by the next one: each round kills every parent of a child that it did not see.

use super::{
    cgroup::Cage,
    children::{self, Children},
    reaper::{Reaper, Tree},
    sys::wait_for_child_signal,
    warm::Hosts,
};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use std::time::{Duration, Instant};

/// What SIGKILL has not ended by then hangs in the kernel.
pub(super) const UNKILLABLE_AFTER: Duration = Duration::from_secs(3);

/// How soon the next round comes when no SIGCHLD calls for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Processes die as fast as they are found.
    Hurry,
    /// What is left does not die; looking more often would not help.
    Wait,
}

impl Pace {
    fn round(self) -> Duration {
        match self {
            Self::Hurry => Duration::from_millis(2),
            Self::Wait => Duration::from_millis(100),
        }
    }
}

/// SIGTERM to the leader's group, and SIGCONT so that stopped processes get to see it.
pub(super) fn ask_to_end(reaper: &Reaper) {
    if let Some(leader) = reaper.leader() {
        signal_group(leader, Signal::SIGTERM);
        signal_group(leader, Signal::SIGCONT);
    }
}

/// How everything of a tree is reached at once.
#[derive(Debug)]
pub(super) enum Reach {
    /// This process is the init of their pid namespace: one call meets all, those inside further namespaces included.
    Namespace,
    /// Its direct children, as they come.
    Children(Children),
}

impl Reach {
    /// The processes of the tree, as far as one look finds them.
    pub(super) fn tree(&mut self) -> Vec<i32> {
        match self {
            Self::Namespace => children::of_namespace(),
            Self::Children(children) => {
                let mut all = children.now();
                let mut at = 0;
                while let Some(pid) = all.get(at) {
                    let more = children::of_process(*pid);
                    all.extend(more);
                    at += 1;
                }
                all
            }
        }
    }
}

/// Kills until nothing is left. [`Tree::Alive`]: something does not die within `bound`.
pub(super) fn until_empty(
    reaper: &mut Reaper,
    hosts: &mut Hosts,
    reach: &mut Reach,
    cage: Option<&Cage>,
    bound: Duration,
    pace: Pace,
) -> Tree {
    let give_up = Instant::now() + bound;
    // They are met by what follows, too: from here on only ECHILD is a proof.
    hosts.end_all();
    while reaper.drain(hosts) == Tree::Alive {
        if Instant::now() >= give_up {
            return Tree::Alive;
        }
        if let Some(cage) = cage {
            cage.kill();
        }
        match reach {
            // "All I may signal but myself", which for an init is its namespace.
            Reach::Namespace => signal(-1, Signal::SIGKILL),
            Reach::Children(children) => {
                if let Some(leader) = reaper.leader() {
                    signal_group(leader, Signal::SIGKILL);
                }
                children.now().into_iter().for_each(|child| signal(child, Signal::SIGKILL));
            }
        }
        wait_for_child_signal(pace.round());
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
