//! What goes into a slot and what comes out of it.

use super::LimitHit;
use bytes::Bytes;
use dayfly_common::model::{KilledBy, Limits, Sandbox, Usage};
use std::{path::PathBuf, time::Duration};

/// A moment of `CLOCK_BOOTTIME` (goes on during suspend, never steps), ns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BootTime(pub u64);

/// One job to run.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// Program and arguments; the program is looked up in `env`'s PATH when it has no slash.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// Working folder.
    pub dir: PathBuf,
    /// Standard input.
    pub input: Bytes,
    /// From the start to the first signal.
    pub timeout: Duration,
    /// From SIGTERM to SIGKILL.
    pub grace: Duration,
    /// L: the moment by which the tree must be gone unless it is moved on ([`super::Control::renew`]).
    pub lease_limit: BootTime,
    /// The lease's length: TERM at L - ttl/3, KILL at L - ttl/6.
    pub lease_ttl: Duration,
    /// What it may use.
    pub limits: Limits,
    /// User and group ids to run as.
    pub identity: Option<(u32, u32)>,
    /// `PR_SET_NO_NEW_PRIVS`; implied by a sandbox.
    pub no_new_privs: bool,
    /// File system access; `None`: all that its user may do.
    pub sandbox: Option<Sandbox>,
    /// How long to go on trying, beyond 3 s, to kill what does not die, before the job counts as unkillable.
    pub patience: Duration,
    /// Standard output kept, bytes.
    pub max_result: u64,
    /// Standard error and events kept, bytes.
    pub max_log: u64,
    /// `argv` is a warm host's, which forks a process for this job.
    pub warm: Option<Warm>,
}

/// A warm host, as its slot must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warm {
    /// The same for jobs that one host may run.
    pub key: String,
    /// Where the host starts.
    pub dir: PathBuf,
    /// It is replaced after so many jobs.
    pub max_jobs: u32,
    /// And after a job that finds it to hold more memory than this, bytes.
    pub max_memory: Option<u64>,
}

/// What a job says while it runs. Lines are valid UTF-8 (invalid bytes replaced), without their end, capped in length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A line of standard error, read at this time (ms since the epoch).
    Stderr(i64, String),
    /// A line of the event pipe (fd 3), unparsed.
    Event(i64, String),
    /// Something about the output itself, said once each: cut off at the cap, and so on.
    System(i64, String),
    /// The leader is this process from now on, as the host sees it: a child of a warm host.
    Leads(i32),
    /// SIGKILL did not end all of the job within 3 s; it is tried for [`JobSpec::patience`] longer.
    /// Says which processes are left, and where they hang.
    Stuck(i64, String),
}

/// How the leader ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With a code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// Unknown: the slot died before it could tell. The tree is gone nevertheless.
    Unknown,
}

/// An exception of the language that a job is written in, as its program told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// `type: message`.
    pub text: String,
    /// Another attempt may go better.
    pub retry: bool,
}

/// The end of a job: nothing of its tree is left, unless `unkillable`.
#[derive(Debug, Clone)]
pub struct Ended {
    /// How the leader ended.
    pub exit: Exit,
    /// What made the slot or the daemon end it; `None` when the leader ended by itself.
    pub killed_by: Option<KilledBy>,
    /// Which limit, when that is what ended it.
    pub limit: Option<LimitHit>,
    /// From the first signal to the last process gone.
    pub kill_ms: Option<u64>,
    /// What the tree used.
    pub usage: Usage,
    /// Standard output, up to its cap.
    pub stdout: Vec<u8>,
    /// There was more of it.
    pub stdout_truncated: bool,
    /// The last lines of standard error, at most 2 KiB.
    pub stderr_tail: String,
    /// The exception that it said has ended it, on the event pipe.
    pub exception: Option<Raised>,
    /// Processes that SIGKILL did not end within 3 s and [`JobSpec::patience`].
    pub unkillable: bool,
    /// What was left after those 3 s, as in [`Note::Stuck`]; empty when nothing was, or when nobody could look.
    pub remains: String,
}
