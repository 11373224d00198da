//! The words of the field as types: jobs, states, attempts, fences, outcomes. Pure: no I/O, no clock.

mod fence;
mod id;
mod nearest;
mod outcome;
mod pace;
mod retry;
mod retry_on;
mod scope;
mod state;
mod task;
mod token;
mod units;

pub use fence::{Fence, FenceError, Nonce, random_u64};
pub use id::{IdError, JobId};
pub(crate) use nearest::hint;
pub use nearest::nearest;
pub use outcome::{ErrorKind, JobError, KilledBy, Outcome, Usage};
pub use pace::{Crew, RunTimes, start_within_ms};
pub use retry::Backoff;
pub use retry_on::{EXIT_PLEASE_RETRY, RetryOn, RetryOnError, worth_another};
pub use scope::{Scope, Scopes, ScopesError};
pub use state::{State, Trigger};
pub use task::{Limits, OutputKind, Program, PythonFunction, Sandbox, TaskDef, TaskName, TaskNameError};
pub use token::{OwnerName, OwnerNameError, Token, TokenDigest, TokenError, TokenId, TokenIdError};
pub use units::{UnitError, format_rfc3339_ms, format_size, parse_duration, parse_size};
