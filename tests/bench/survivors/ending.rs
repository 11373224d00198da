//! The ways in which a job ends.

use std::time::Duration;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its time limit.
    TimeLimit,
    /// A cancel by the system's own means.
    Cancel(Manner),
    /// Its leader ends and leaves the rest.
    LeaderExits,
    /// kill -9 of some of the system's processes.
    Killed(Victims),
}

/// How a cancel goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// SIGTERM first.
    AsksFirst,
    /// SIGKILL.
    KillsAtOnce,
}

/// Which of the processes above a tree are killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victims {
    /// The one that started the program.
    Nearest,
    /// The one that serves the queue.
    Farthest,
    /// The one between, where there is one.
    Between,
    /// All at one moment.
    All,
}

impl Ending {
    pub(crate) const ALL: [Self; 8] = [
        Self::TimeLimit,
        Self::Cancel(Manner::AsksFirst),
        Self::Cancel(Manner::KillsAtOnce),
        Self::LeaderExits,
        Self::Killed(Victims::Nearest),
        Self::Killed(Victims::Farthest),
        Self::Killed(Victims::Between),
        Self::Killed(Victims::All),
    ];

    /// The row's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TimeLimit => "its time limit",
            Self::Cancel(Manner::AsksFirst) => "a cancel that asks first",
            Self::Cancel(Manner::KillsAtOnce) => "a cancel that kills at once",
            Self::LeaderExits => "its own program's exit, which leaves the rest behind",
            Self::Killed(Victims::Nearest) => "kill -9 of work-horse; pool process; slot",
            Self::Killed(Victims::Farthest) => "kill -9 of RQ's worker; Celery's main process; Dayfly's daemon",
            Self::Killed(Victims::Between) => "kill -9 of Dayfly's supervisor",
            Self::Killed(Victims::All) => "kill -9 of all of these at one moment",
        }
    }

    /// The limit that the job is given.
    pub(crate) fn time_limit(self) -> Duration {
        match self {
            Self::TimeLimit => super::tree::TIME_LIMIT,
            Self::Cancel(_) | Self::LeaderExits | Self::Killed(_) => Duration::from_secs(60),
        }
    }
}

impl Victims {
    /// Those among `above`, nearest first.
    pub(crate) fn of(self, above: &[i32]) -> &[i32] {
        match self {
            Self::Nearest => above.get(..1),
            Self::Farthest => above.len().checked_sub(1).and_then(|last| above.get(last..)),
            Self::Between => above.len().checked_sub(1).and_then(|last| above.get(1..last)),
            Self::All => Some(above),
        }
        .unwrap_or_default()
    }
}
