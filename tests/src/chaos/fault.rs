//! Faults, and their kinds.

use super::proxy::Weather;
use std::fmt;

/// The links of the workers come first, the API's is the last.
pub(super) type Link = usize;

/// A fault and what it hits. A duration says how long until it is undone; a killed process is started again after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL to a worker's daemon.
    KillDaemon(usize),
    /// SIGKILL to its supervisor; the daemon then ends by itself.
    KillSupervisor(usize),
    /// SIGKILL to one of its slots.
    KillSlot(usize),
    /// SIGKILL to the API.
    KillApi,
    /// SIGKILL to the server.
    KillServer,
    /// SIGSTOP, later SIGCONT.
    StopDaemon(usize),
    /// As above.
    StopSupervisor(usize),
    /// As above, to one of its slots, one with a job if there is any.
    StopSlot(usize),
    /// What a proxy does for a while.
    Link(usize, Weather),
    /// A proxy resets its connections.
    Reset(usize),
    /// `FUNCTION FLUSH`
    FlushFunctions,
    /// `CONFIG SET maxmemory 1`
    TightMemory,
    /// `CLIENT KILL` of all ordinary connections.
    KillClients,
    /// `FUNCTION KILL` and `SCRIPT KILL`.
    KillScripts,
}

/// The kinds of faults, each dealt equally often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// See [`Fault::KillDaemon`], and so on.
    KillDaemon,
    /// As the fault.
    KillSupervisor,
    /// As the fault.
    KillSlot,
    /// As the fault.
    KillApi,
    /// As the fault.
    KillServer,
    /// As the fault.
    StopDaemon,
    /// As the fault.
    StopSupervisor,
    /// As the fault.
    StopSlot,
    /// [`Weather::Slow`]
    Slow,
    /// [`Weather::Swallow`] of requests.
    SwallowRequests,
    /// [`Weather::Swallow`] of replies.
    SwallowReplies,
    /// [`Weather::Swallow`] of both: a partition.
    SwallowBoth,
    /// [`Weather::Held`]
    Held,
    /// [`Weather::NoReplies`]
    NoReplies,
    /// [`Weather::Refused`]
    Refused,
    /// As the fault.
    Reset,
    /// As the fault.
    FlushFunctions,
    /// As the fault.
    TightMemory,
    /// As the fault.
    KillClients,
    /// As the fault.
    KillScripts,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::KillDaemon,
        Self::KillSupervisor,
        Self::KillSlot,
        Self::KillApi,
        Self::KillServer,
        Self::StopDaemon,
        Self::StopSupervisor,
        Self::StopSlot,
        Self::Slow,
        Self::SwallowRequests,
        Self::SwallowReplies,
        Self::SwallowBoth,
        Self::Held,
        Self::NoReplies,
        Self::Refused,
        Self::Reset,
        Self::FlushFunctions,
        Self::TightMemory,
        Self::KillClients,
        Self::KillScripts,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}
