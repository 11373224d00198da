//! A slot process and its job. It keeps the times of the lease by itself.
//!
//! ```text
//!   Empty -> Launching -> Alive -> Ended -> Empty
//! ```

use crate::{
    nonce::Nonce,
    record::{Job, Outcome},
    rules::{LONGEST_RUN, Mutant, Rules},
};

/// A job, and the proof of the right to run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Claim {
    pub(crate) job: Job,
    pub(crate) nonce: Nonce,
}

/// What makes a job end, other than its lease. It is then ended at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cause {
    Cancel,
    /// A heartbeat found that the lease was lost, or the daemon has died.
    Lost,
    /// The slot has died; the supervisor ends what it leaves.
    SlotDied,
}

/// `left`: ticks until L, as far as the slot knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Slot {
    Empty,
    /// Past the start gate, and not past `execve` yet. `late`: since the tick before.
    Launching {
        claim: Claim,
        left: u8,
        kill: Option<Cause>,
        late: bool,
    },
    /// Processes of the job are alive. `ran`: ticks, where time is bounded.
    Alive {
        claim: Claim,
        left: u8,
        kill: Option<Cause>,
        ran: u8,
    },
    /// Nothing is left of the job, and the daemon has not heard of it yet.
    Ended {
        outcome: Outcome,
    },
}

impl Claim {
    pub(crate) fn mirrored(self) -> Self {
        Self { nonce: self.nonce.mirrored(), ..self }
    }
}

impl Slot {
    /// The claim whose job it starts or runs.
    pub(crate) fn claim(&self) -> Option<Claim> {
        match self {
            Self::Launching { claim, .. } | Self::Alive { claim, .. } => Some(*claim),
            Self::Empty | Self::Ended { .. } => None,
        }
    }

    /// The job of which processes are alive.
    pub(crate) fn runs(&self) -> Option<Job> {
        match self {
            Self::Alive { claim, .. } => Some(claim.job),
            Self::Empty | Self::Launching { .. } | Self::Ended { .. } => None,
        }
    }

    pub(crate) fn renew(&mut self, to: u8) {
        match self {
            Self::Launching { left, .. } | Self::Alive { left, .. } => *left = (*left).max(to),
            Self::Empty | Self::Ended { .. } => {}
        }
    }

    /// The first cause stays.
    pub(crate) fn order(&mut self, cause: Cause) {
        match self {
            Self::Launching { kill, .. } | Self::Alive { kill, .. } => *kill = kill.or(Some(cause)),
            Self::Empty | Self::Ended { .. } => {}
        }
    }

    /// Whether the job may come to its end by a signal now.
    pub(crate) fn may_kill(&self, rules: &Rules) -> bool {
        match self {
            Self::Alive { left, kill, .. } => {
                kill.is_some() || (*left <= rules.term_at() && !rules.is(Mutant::NoSelfFence))
            }
            Self::Empty | Self::Launching { .. } | Self::Ended { .. } => false,
        }
    }

    pub(crate) fn may_exit(&self) -> bool {
        match self {
            Self::Alive { kill, .. } => kill.is_none(),
            Self::Empty | Self::Launching { .. } | Self::Ended { .. } => false,
        }
    }

    /// Whether it acts before the tick is over, whatever else stands still.
    pub(crate) fn must_act(&self, rules: &Rules) -> bool {
        match self {
            Self::Empty | Self::Ended { .. } => false,
            Self::Launching { late, .. } => *late,
            Self::Alive { left, kill, ran, .. } => {
                let fenced = *left <= rules.kill_at() && !rules.is(Mutant::NoSelfFence);
                kill.is_some() || fenced || (rules.horizon().is_some() && *ran >= LONGEST_RUN)
            }
        }
    }

    /// Whether its time is over, in the eyes of the daemon, should it do nothing by itself.
    pub(crate) fn overdue(&self, rules: &Rules) -> bool {
        match self {
            Self::Launching { left, .. } | Self::Alive { left, .. } => *left <= rules.kill_at(),
            Self::Empty | Self::Ended { .. } => false,
        }
    }

    /// `execve`.
    pub(crate) fn exec(&mut self) {
        if let Self::Launching { claim, left, kill, .. } = *self {
            *self = Self::Alive { claim, left, kill, ran: 0 };
        }
    }

    /// Everything is killed.
    pub(crate) fn kill(&mut self) {
        let outcome = match self {
            Self::Alive { kill: Some(Cause::Cancel), .. } => Outcome::Cancelled,
            Self::Alive { kill: Some(Cause::SlotDied), .. } => Outcome::Lost,
            Self::Alive { kill: Some(Cause::Lost) | None, .. } => Outcome::Drained,
            // It did not start in all its time; whether it had begun is unknown.
            Self::Launching { .. } => Outcome::Lost,
            Self::Empty | Self::Ended { .. } => return,
        };
        *self = Self::Ended { outcome };
    }

    pub(crate) fn tick(&mut self, rules: &Rules) {
        match self {
            Self::Empty | Self::Ended { .. } => {}
            Self::Launching { left, late, .. } => {
                *left = left.saturating_sub(1);
                *late = true;
            }
            Self::Alive { left, ran, .. } => {
                *left = left.saturating_sub(1);
                if rules.horizon().is_some() {
                    *ran = (*ran + 1).min(LONGEST_RUN);
                }
            }
        }
    }

    pub(crate) fn mirrored(mut self) -> Self {
        match &mut self {
            Self::Launching { claim, .. } | Self::Alive { claim, .. } => *claim = claim.mirrored(),
            Self::Empty | Self::Ended { .. } => {}
        }
        self
    }
}
