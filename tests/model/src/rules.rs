//! What is fixed for one exploration: the times, the faults that may happen, and what is left out of the protocol on purpose.

/// Job 0 was submitted before job 1 and is claimed before it.
pub(crate) const JOBS: u8 = 2;
/// Each with one slot.
pub(crate) const WORKERS: usize = 2;
/// Attempts that may be lost with their worker before a job fails as `lost`: this many and one.
pub(crate) const LOST_RETRIES: u8 = 1;
/// Ticks a program runs at most, where time is bounded.
pub(crate) const LONGEST_RUN: u8 = 2;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The lease, ticks. From it follow the start gate (a half), SIGTERM (a third before the limit) and SIGKILL (a sixth, but
    /// at least one tick).
    pub ttl: u8,
    /// How long things take.
    pub pace: Pace,
    /// What may go wrong.
    pub faults: Faults,
    /// What a failover costs.
    pub replica: Replica,
    /// What is left out.
    pub mutant: Option<Mutant>,
    /// Which jobs there are.
    pub jobs: Jobs,
    /// Goes through every order of steps within a tick; otherwise, where all is prompt, a daemon first does what lies before it.
    pub every_order: bool,
}

/// Which jobs there are. The first waits from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jobs {
    /// No other.
    One,
    /// The second waits as well.
    Two,
    /// The second is submitted at any time.
    TwoOneLater,
}

/// How long things take that are neither a slot's timers nor a server's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// A daemon and an answer on the wire take as long as they like, each time anew. Pauses and partitions are nothing else.
    Any,
    /// All is done within the tick in which it can be, unless a fault is in the way. A fault may last for ever.
    Prompt,
    /// As `Prompt`, and everything ends: a program within two ticks, a pause, a stop and a partition within `longest_fault`, and
    /// time itself at the horizon, ticks.
    Bounded {
        /// Ticks.
        longest_fault: u8,
        /// Ticks.
        horizon: u8,
    },
}

/// How often each may happen in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Faults {
    /// `kill -9` of a daemon. Its slot ends the job; another daemon may start at any time.
    pub crashes: u8,
    /// `kill -9` of a slot with a job.
    pub slot_deaths: u8,
    /// SIGSTOP of a daemon. Its slot goes on.
    pub pauses: u8,
    /// SIGSTOP of a slot. Its daemon goes on.
    pub stops: u8,
    /// SIGSTOP of a daemon and its slot together, as by a suspended host: beyond what is promised.
    pub freezes: u8,
    /// A worker is cut off from Redis; what is on the wire waits.
    pub cuts: u8,
    /// A worker gives a command up: it never arrives, or later, or its answer is lost.
    pub unanswered: u8,
    /// The server's clock jumps ahead: every lease looks expired.
    pub jumps: u8,
    /// The replica falls behind and then becomes the primary.
    pub failovers: u8,
    /// Somebody cancels a job. No fault, but bounded like one.
    pub cancels: u8,
}

impl Faults {
    /// None at all.
    pub const NONE: Self = Self {
        crashes: 0,
        slot_deaths: 0,
        pauses: 0,
        stops: 0,
        freezes: 0,
        cuts: 0,
        unanswered: 0,
        jumps: 0,
        failovers: 0,
        cancels: 0,
    };
}

impl std::ops::Add for Faults {
    type Output = Self;

    /// What may go wrong where either may.
    fn add(self, other: Self) -> Self {
        Self {
            crashes: self.crashes + other.crashes,
            slot_deaths: self.slot_deaths + other.slot_deaths,
            pauses: self.pauses + other.pauses,
            stops: self.stops + other.stops,
            freezes: self.freezes + other.freezes,
            cuts: self.cuts + other.cuts,
            unanswered: self.unanswered + other.unanswered,
            jumps: self.jumps + other.jumps,
            failovers: self.failovers + other.failovers,
            cancels: self.cancels + other.cancels,
        }
    }
}

/// What a failover costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replica {
    /// What was answered may be undone. All workers go over to the new primary at once.
    Behind,
    /// As `Behind`, and the old primary goes on answering the workers that have not gone over.
    Split,
    /// `wait_replicas`: what was not replicated counts as not answered. The old primary goes on answering.
    Waited,
}

/// A part of the protocol that is left out. Each costs a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// A slot does not end its job when the lease runs out.
    NoSelfFence,
    /// The limit L counts from when an answer arrived, not from when its command was sent.
    LimitFromAnswer,
    /// `finish` does not look at the fence.
    NoFenceCheck,
    /// A program is started however little of the lease is left.
    NoStartGate,
    /// The daemon does not end a slot that has missed its time.
    NoSecondGuard,
    /// A released nonce is not remembered: its claim may still arrive and take a job, for nobody.
    NoReleaseMark,
    /// After a jump of its clock the server takes leases at once.
    NoHoldOff,
    /// After a failover the new primary gives claims at once.
    NoClaimHoldOff,
    /// A dead daemon's jobs are taken back without a proof that nothing of them is alive.
    NoProofOfDeath,
}

impl Rules {
    /// Ticks that must be left of a lease to start.
    pub(crate) fn gate(&self) -> u8 {
        self.ttl.div_ceil(2)
    }

    /// With so many ticks left of a lease SIGTERM is sent, of which the job may die.
    pub(crate) fn term_at(&self) -> u8 {
        (self.ttl / 3).max(self.kill_at())
    }

    /// With so many ticks left of a lease the job is gone before the next tick.
    pub(crate) fn kill_at(&self) -> u8 {
        (self.ttl / 6).max(1)
    }

    pub(crate) fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Whether nothing but a fault makes anything late.
    pub(crate) fn prompt(&self) -> bool {
        match self.pace {
            Pace::Any => false,
            Pace::Prompt | Pace::Bounded { .. } => true,
        }
    }

    /// Ticks that a fault may last; `None`: for ever.
    pub(crate) fn longest_fault(&self) -> Option<u8> {
        match self.pace {
            Pace::Any | Pace::Prompt => None,
            Pace::Bounded { longest_fault, .. } => Some(longest_fault),
        }
    }

    /// Ticks until time stands, where it is bounded.
    pub(crate) fn horizon(&self) -> Option<u8> {
        match self.pace {
            Pace::Any | Pace::Prompt => None,
            Pace::Bounded { horizon, .. } => Some(horizon),
        }
    }

    /// `wait_replicas`.
    pub(crate) fn waits(&self) -> bool {
        match self.replica {
            Replica::Behind | Replica::Split => false,
            Replica::Waited => true,
        }
    }

    /// Whether the old primary goes on.
    pub(crate) fn splits(&self) -> bool {
        match self.replica {
            Replica::Behind => false,
            Replica::Split | Replica::Waited => true,
        }
    }
}
