//! A worker: its daemon, what the daemon has on the wire, and its slots.
//!
//! ```text
//!   seat:  Idle -> Claiming -> Held -> Running -> Finishing -> Idle
//!                     '-> Releasing -> Idle                              no answer came
//! ```

use crate::{
    nonce::Nonce,
    record::{Job, Outcome},
    rules::Rules,
    server::Verdict,
    slot::{Claim, Slot},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Daemon {
    Up,
    /// For so many ticks.
    Paused(u8),
    Down,
}

/// What the daemon is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Seat {
    /// `looked`: it has asked for work in this tick.
    Idle {
        looked: bool,
    },
    /// `age`: ticks since the claim was sent.
    Claiming {
        nonce: Nonce,
        age: u8,
    },
    Releasing {
        nonce: Nonce,
    },
    /// The slot is not told yet. `left`: ticks until L.
    Held {
        claim: Claim,
        left: u8,
    },
    /// `lost`: nothing will be reported.
    Running {
        claim: Claim,
        lost: bool,
    },
    Finishing {
        claim: Claim,
        outcome: Outcome,
    },
}

/// A seat's command. It arrives when it is sent, unless its sender gives it up; the answer may take long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Call {
    /// To be sent, where there is one to send.
    None,
    /// Not to be sent again in this tick.
    Later,
    /// `job`: of a claim. `kept`: replicated as `wait_replicas` wants it.
    Answered { job: Option<Job>, kept: bool },
}

/// A heartbeat, likewise. `age`: ticks since it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Beat {
    /// `sent`: one was sent and answered in this tick.
    None {
        sent: bool,
    },
    Answered {
        claim: Claim,
        age: u8,
        verdict: Verdict,
        kept: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Request {
    Claim(Nonce),
    Release(Nonce),
    Finish(Claim, Outcome),
    Beat(Claim),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Worker {
    pub(crate) daemon: Daemon,
    /// Daemon and slots stand still.
    pub(crate) frozen: bool,
    /// Cut off from Redis for so many ticks.
    pub(crate) cut: Option<u8>,
    /// Still talks to the primary of before the failover.
    pub(crate) behind: bool,
    pub(crate) seat: Seat,
    pub(crate) call: Call,
    pub(crate) beat: Beat,
    /// A command that may still arrive though nobody waits for its answer.
    pub(crate) late: Option<Request>,
    pub(crate) slot: Slot,
    /// The slot is stopped for so many ticks.
    pub(crate) stopped: Option<u8>,
    /// The slot of a daemon that has died.
    pub(crate) orphan: Slot,
}

impl Request {
    pub(crate) fn nonce(self) -> Nonce {
        match self {
            Self::Claim(nonce) | Self::Release(nonce) => nonce,
            Self::Finish(claim, _) | Self::Beat(claim) => claim.nonce,
        }
    }

    pub(crate) fn mirrored(self) -> Self {
        match self {
            Self::Claim(nonce) => Self::Claim(nonce.mirrored()),
            Self::Release(nonce) => Self::Release(nonce.mirrored()),
            Self::Finish(claim, outcome) => Self::Finish(claim.mirrored(), outcome),
            Self::Beat(claim) => Self::Beat(claim.mirrored()),
        }
    }
}

impl Worker {
    pub(crate) const NEW: Self = Self {
        daemon: Daemon::Up,
        frozen: false,
        cut: None,
        behind: false,
        seat: Seat::Idle { looked: false },
        call: Call::None,
        beat: Beat::None { sent: false },
        late: None,
        slot: Slot::Empty,
        stopped: None,
        orphan: Slot::Empty,
    };

    /// Whether its daemon acts.
    pub(crate) fn up(&self) -> bool {
        self.daemon == Daemon::Up && !self.frozen
    }

    pub(crate) fn reaches_redis(&self) -> bool {
        self.cut.is_none()
    }

    /// What it renews: a claim from its answer until its end is written.
    pub(crate) fn holds(&self) -> Option<Claim> {
        match self.seat {
            Seat::Held { claim, .. } | Seat::Running { claim, .. } | Seat::Finishing { claim, .. } => Some(claim),
            Seat::Idle { .. } | Seat::Claiming { .. } | Seat::Releasing { .. } => None,
        }
    }

    /// The command that its seat has to send.
    pub(crate) fn next_request(&self) -> Option<Request> {
        match (self.call, self.seat) {
            (Call::None, Seat::Releasing { nonce }) => Some(Request::Release(nonce)),
            (Call::None, Seat::Finishing { claim, outcome }) => Some(Request::Finish(claim, outcome)),
            (Call::None, Seat::Idle { .. } | Seat::Claiming { .. } | Seat::Held { .. } | Seat::Running { .. })
            | (Call::Later | Call::Answered { .. }, _) => None,
        }
    }

    /// The heartbeat that it may send.
    pub(crate) fn next_renewal(&self) -> Option<Claim> {
        self.holds().filter(|_| self.up() && self.beat == Beat::None { sent: false })
    }

    pub(crate) fn may_claim(&self) -> bool {
        self.up() && self.seat == Seat::Idle { looked: false }
    }

    pub(crate) fn has_answer(&self) -> bool {
        matches!(self.call, Call::Answered { .. })
    }

    pub(crate) fn has_verdict(&self) -> bool {
        matches!(self.beat, Beat::Answered { .. })
    }

    /// Whether its daemon has an answer or its slot's report before it, or a claim to start.
    pub(crate) fn has_news(&self) -> bool {
        let heard = self.has_answer() || self.has_verdict();
        let inside = matches!(self.seat, Seat::Held { .. }) || matches!(self.slot, Slot::Ended { .. });
        self.up() && ((heard && self.reaches_redis()) || inside)
    }

    /// Whether its slots let time pass.
    pub(crate) fn slots_rest(&self, rules: &Rules) -> bool {
        let slot = self.stopped.is_some() || !self.slot.must_act(rules);
        self.frozen || (slot && !self.orphan.must_act(rules))
    }

    pub(crate) fn tick(&mut self, rules: &Rules) {
        if let Some(longest) = rules.longest_fault() {
            let longer = |ticks: &mut u8| *ticks = (*ticks + 1).min(longest);
            if let Daemon::Paused(ticks) = &mut self.daemon {
                longer(ticks);
            }
            self.cut.as_mut().map(longer);
            self.stopped.as_mut().map(longer);
        }
        if self.call == Call::Later {
            self.call = Call::None;
        }
        // A limit that is past is past: older than that makes no difference.
        let older = |age: &mut u8| *age = (*age + 1).min(rules.ttl);
        match &mut self.seat {
            Seat::Idle { looked } => *looked = false,
            Seat::Claiming { age, .. } => older(age),
            Seat::Held { left, .. } => *left = left.saturating_sub(1),
            Seat::Releasing { .. } | Seat::Running { .. } | Seat::Finishing { .. } => {}
        }
        match &mut self.beat {
            Beat::None { sent } => *sent = false,
            Beat::Answered { age, .. } => older(age),
        }
        self.slot.tick(rules);
        self.orphan.tick(rules);
    }

    pub(crate) fn mirrored(mut self) -> Self {
        match &mut self.seat {
            Seat::Idle { .. } => {}
            Seat::Claiming { nonce, .. } | Seat::Releasing { nonce } => *nonce = nonce.mirrored(),
            Seat::Held { claim, .. } | Seat::Running { claim, .. } | Seat::Finishing { claim, .. } => {
                *claim = claim.mirrored();
            }
        }
        match &mut self.beat {
            Beat::None { .. } => {}
            Beat::Answered { claim, .. } => *claim = claim.mirrored(),
        }
        self.late = self.late.map(Request::mirrored);
        self.slot = self.slot.mirrored();
        self.orphan = self.orphan.mirrored();
        self
    }
}
