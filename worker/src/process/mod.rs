//! Processes: a supervisor, its slots, and the one job tree that each slot owns.
//!
//! ```text
//!   daemon (tokio)  -- exec /proc/self/exe supervisor, before any thread exists; SEQPACKET socket on fd 3
//!     supervisor    single-threaded, subreaper; forks only slots
//!       slot 1..N   single-threaded, subreaper; one job at a time; its own timers
//!         leader    the job's program, in a session of its own
//!           ..      its tree
//! ```
//!
//! Since a slot runs one job at a time, `wait4(2)` answering `ECHILD` proves that nothing of the job is left. The
//! deadline and the lease are enforced in the slot, so a frozen daemon changes nothing.

mod adopt;
mod cgroup;
mod children;
mod clock;
mod decoy;
mod drive;
mod ending;
mod gauge;
mod handle;
mod job;
mod kill;
mod launch;
mod launch_plan;
mod leader;
mod limits;
mod lines;
mod link;
mod namespace;
mod output;
mod privacy;
mod progress;
mod reaper;
mod refusal;
mod remains;
mod sandbox;
mod selftest;
mod slot;
mod spec;
mod start;
mod supervisor;
mod sweep;
mod sys;
mod tail;
mod tier;
mod warm;
mod wire;

pub use cgroup::{Holder, Holders, Swept};
pub use handle::{Control, Run, RunEnd, Slot, StartError, Supervisor, TierFound};
pub use limits::LimitHit;
pub use privacy::close_to_jobs;
pub(crate) use refusal::is_want;
pub use spec::{BootTime, Ended, Exit, JobSpec, Note, Raised, Warm};
pub use supervisor::supervisor_main;
pub use sweep::sweep;
pub use tier::{Isolation, IsolationError, Tier};
