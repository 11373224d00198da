//! Reaping one job's tree, and the proof that nothing of it is left.

use super::sys::{Spent, Waited, wait_any};
use std::time::Instant;

/// What is known of the job's tree. Every process of it becomes the slot's child in the end, so the slot's `wait4`
/// sees each one that its own parent did not wait for.
#[derive(Debug)]
pub(super) struct Reaper {
    leader: i32,
    status: Option<i32>,
    spent: Spent,
    started: Instant,
}

/// Whether anything of the tree is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    /// `wait4` answered ECHILD: there is no descendant.
    Empty,
    /// There is at least one process.
    Alive,
}

impl Reaper {
    /// For a leader that was just started.
    pub(super) fn new(leader: i32, started: Instant) -> Self {
        Self { leader, status: None, spent: Spent::default(), started }
    }

    /// Reaps all that has ended.
    pub(super) fn drain(&mut self) -> Tree {
        loop {
            match wait_any() {
                Ok(Waited::Ended { pid, status, spent }) => {
                    self.spent += spent;
                    if pid == self.leader && self.status.is_none() {
                        self.status = Some(status);
                    }
                }
                Ok(Waited::NoChild) => return Tree::Empty,
                // `wait4` has no other error with these arguments; nothing is proven then.
                Ok(Waited::Running) | Err(_) => return Tree::Alive,
            }
        }
    }

    /// The leader's pid while it is not reaped: only then does the number surely mean the leader and its group.
    pub(super) fn leader(&self) -> Option<i32> {
        self.status.is_none().then_some(self.leader)
    }

    /// The leader's wait status, once reaped.
    pub(super) fn status(&self) -> Option<i32> {
        self.status
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
