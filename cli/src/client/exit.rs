//! How a client command ends: one exit code for each thing that a script may want to tell apart.

use crate::failure::Failure;
use std::fmt::Display;

/// An end other than well, by its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// The server, the network or this host failed.
    Error = 1,
    /// What was asked for cannot be.
    Usage = 2,
    /// The job failed.
    JobFailed = 3,
    /// No token, an unknown one, or one without the right.
    Auth = 4,
    /// There is no such job, task or worker (any more).
    NotFound = 5,
    /// The job was cancelled.
    Cancelled = 6,
    /// `--wait` is over; as of timeout(1). The job goes on.
    WaitedTooLong = 124,
    /// Ctrl-C, as shells count it. The job goes on.
    Interrupted = 130,
}

impl Exit {
    /// The code.
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    /// A failure with this code and a message for people.
    pub(super) fn because(self, message: impl Display) -> Failure {
        Failure::Client(self, message.to_string())
    }

    /// A failure about which all has been said.
    pub(crate) fn silent(self) -> Failure {
        Failure::Client(self, String::new())
    }
}
