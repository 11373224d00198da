//! Reaping one job's tree, and the proof that nothing of it is left.

use super::{
    sys::{Spent, Waited, wait_any},
    warm::Hosts,
};
use std::time::Instant;

/// The wait status of a job whose code ended its process while it was loaded: exit code 1, whatever that process said.
const FAILED_TO_LOAD: i32 = 1 << 8;

/// What is known of the job's tree. Every process of it becomes the slot's child in the end, so the slot's `wait4`
/// sees each one that its own parent did not wait for.
#[derive(Debug)]
pub(super) struct Reaper {
    leader: Leader,
    spent: Spent,
    started: Instant,
}

#[derive(Debug, Clone, Copy)]
enum Leader {
    /// A host has still to make it.
    Awaited,
    Alive(i32),
    Ended {
        pid: i32,
        status: i32,
    },
}

/// Whether anything of the tree is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    /// `wait4` answered ECHILD, so there is no descendant; or none but warm hosts with what is theirs.
    Empty,
    /// There is at least one process.
    Alive,
}

impl Reaper {
    /// For a leader that was just started.
    pub(super) fn new(leader: i32, started: Instant) -> Self {
        Self { leader: Leader::Alive(leader), spent: Spent::default(), started }
    }

    /// For a job that a host is to run.
    pub(super) fn awaiting(started: Instant) -> Self {
        Self { leader: Leader::Awaited, spent: Spent::default(), started }
    }

    /// The host has made the leader.
    pub(super) fn begun(&mut self, leader: i32) {
        self.leader = Leader::Alive(leader);
    }

    /// The leader has ended as its host says, which reaps it.
    pub(super) fn ended(&mut self, status: i32) {
        if let Leader::Alive(pid) = self.leader {
            self.leader = Leader::Ended { pid, status };
        }
    }

    /// There will be no leader: its host has ended first.
    pub(super) fn never_begun(&mut self) {
        self.leader = Leader::Ended { pid: 0, status: FAILED_TO_LOAD };
    }

    /// What a host has found that it used.
    pub(super) fn add(&mut self, spent: Spent) {
        self.spent += spent;
    }

    /// Reaps all that has ended.
    pub(super) fn drain(&mut self, hosts: &mut Hosts) -> Tree {
        loop {
            match wait_any() {
                Ok(Waited::Ended { pid, status, spent }) => {
                    if hosts.buried(pid) {
                        continue;
                    }
                    if self.leader() == Some(pid) {
                        self.leader = Leader::Ended { pid, status };
                    }
                    self.spent += spent;
                }
                Ok(Waited::NoChild) => return Tree::Empty,
                Ok(Waited::Running) if self.is_over() && hosts.alone(self.pid()) => return Tree::Empty,
                // `wait4` has no other error with these arguments; nothing is proven then.
                Ok(Waited::Running) | Err(_) => return Tree::Alive,
            }
        }
    }

    /// The leader's pid while it is not reaped: only then does the number surely mean the leader and its group.
    pub(super) fn leader(&self) -> Option<i32> {
        match self.leader {
            Leader::Alive(pid) => Some(pid),
            Leader::Awaited | Leader::Ended { .. } => None,
        }
    }

    /// The leader's wait status, once reaped.
    pub(super) fn status(&self) -> Option<i32> {
        match self.leader {
            Leader::Ended { status, .. } => Some(status),
            Leader::Awaited | Leader::Alive(_) => None,
        }
    }

    /// The leader has been and is no more.
    pub(super) fn is_over(&self) -> bool {
        self.status().is_some()
    }

    /// The leader's pid, whether or not it still means the leader.
    pub(super) fn pid(&self) -> Option<i32> {
        match self.leader {
            Leader::Alive(pid) | Leader::Ended { pid, .. } => Some(pid),
            Leader::Awaited => None,
        }
    }

    /// What the reaped processes used.
    pub(super) fn spent(&self) -> Spent {
        self.spent
    }

    /// When the leader was started.
    pub(super) fn started(&self) -> Instant {
        self.started
    }
}
