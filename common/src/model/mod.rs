//! The words of the field as types: jobs, states, attempts, fences, outcomes. Pure: no I/O, no clock.

mod fence;
mod id;
mod nearest;
mod outcome;
mod pace;
mod retry;
mod state;
mod task;
mod units;

pub use fence::{Fence, FenceError, Nonce, random_u64};
pub use id::{IdError, JobId};
pub(crate) use nearest::hint;
pub use nearest::nearest;
pub use outcome::{ErrorKind, JobError, KilledBy, Outcome, Usage};
pub use pace::{Crew, RunTimes, start_within_ms};
pub use retry::Backoff;
pub use state::{State, Trigger};
pub use task::{Limits, OutputKind, Program, Sandbox, TaskDef, TaskName, TaskNameError};
pub use units::{UnitError, format_rfc3339_ms, format_size, parse_duration, parse_size};
