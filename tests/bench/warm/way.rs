//! The ways to run a job.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Spawn,
    Fork,
    Warm,
    Cold,
    ColdBare,
    Forkserver,
    ForkOfParent,
    Pool,
    RqLoaded,
    Rq,
}

impl Way {
    /// In the order of the table.
    pub(crate) const ALL: [Self; 10] = [
        Self::Spawn,
        Self::Fork,
        Self::Warm,
        Self::Cold,
        Self::ColdBare,
        Self::ForkOfParent,
        Self::Forkserver,
        Self::Pool,
        Self::RqLoaded,
        Self::Rq,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Spawn => "limit: bare posix_spawn",
            Self::Fork => "limit: fork of the loaded interpreter",
            Self::Warm => "Dayfly, warm",
            Self::Cold => "Dayfly, cold",
            Self::ColdBare => "Dayfly, cold, nothing to load",
            Self::ForkOfParent => "multiprocessing, fork",
            Self::Forkserver => "multiprocessing, forkserver",
            Self::Pool => "ProcessPoolExecutor",
            Self::RqLoaded => "RQ, loaded in its workers",
            Self::Rq => "RQ, as it comes",
        }
    }

    /// What it is, and what it does not do.
    pub(crate) fn beside(self) -> &'static str {
        match self {
            Self::Spawn => "/bin/true, both ends by one thread a core: no Python, no queue",
            Self::Fork => "fork, _exit, wait, one parent a core: no job, no queue",
            Self::Warm => "queue to finished record, a process a job",
            Self::Cold => "the same function by `python -m dayfly run`",
            Self::ColdBare => "a function without numpy and pandas",
            Self::ForkOfParent => "a process a job from a loaded parent, answer through a pipe; no queue",
            Self::Forkserver => "the same from a preloaded server",
            Self::Pool => "processes used again: nothing between two jobs, none can be ended; no queue",
            Self::RqLoaded => "a worker a slot that forks a process a job; the module loaded in the worker",
            Self::Rq => "`rq worker`: each job loads the module",
        }
    }

    /// Jobs of a round, when there are so many warm ones.
    pub(crate) fn jobs(self, warm: usize) -> usize {
        match self {
            Self::Spawn | Self::Fork => 0,
            Self::Warm | Self::Pool => warm,
            Self::ForkOfParent => warm / 4,
            Self::Forkserver | Self::ColdBare | Self::RqLoaded => warm / 20,
            Self::Cold | Self::Rq => warm / 200,
        }
    }
}
