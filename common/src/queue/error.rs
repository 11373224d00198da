//! What can go wrong between Dayfly and its server.

use deadpool::managed::{PoolError, TimeoutType};
use redis::{ErrorKind, RedisError, ServerError};
use std::time::Duration;

/// An operation that got no answer of its own kind.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueueError {
    /// No connection, or it broke. Whether the operation took effect is unknown; sending it again is safe.
    #[error("Redis cannot be reached: {0}")]
    Unreachable(String),
    /// No answer within the command deadline. Sending it again is safe.
    #[error("Redis did not answer within {0:?}")]
    Slow(Duration),
    /// It is done on the primary, and fewer replicas than asked for had it in time: a failover may undo it. Sending it again is
    /// safe.
    #[error("only {got} of {wanted} replicas have confirmed it (`wait_replicas`)")]
    NotReplicated {
        /// Replicas that had it in time.
        got: u32,
        /// [`RedisSettings::wait_replicas`](super::RedisSettings::wait_replicas)
        wanted: u32,
    },
    /// The server keeps less than `require_durable` asks for.
    #[error("`require_durable` is set and this Redis does not keep what it is given: {0}")]
    NotDurable(String),
    /// The server is loading, read-only, out of memory, or lacks the right: it said so.
    #[error("Redis refused: {0}")]
    Refused(String),
    /// The library is not there and cannot be loaded with this user's rights.
    #[error(
        "the function library dayfly_v1 is not loaded and this user may not load it; with sufficient rights run `dayfly api` once, or give the user `+function|load`: {0}"
    )]
    NoLibrary(String),
    /// An answer that this revision cannot read. Never seen unless another revision wrote it.
    #[error("an answer from Redis could not be understood: {0}")]
    Garbled(String),
}

impl QueueError {
    /// What the server itself said.
    pub(super) fn from_server(error: &ServerError) -> Self {
        Self::Refused(match error.details() {
            Some(details) => format!("{} {details}", error.code()),
            None => error.code().to_owned(),
        })
    }

    pub(super) fn from_pool(error: PoolError<QueueError>, deadline: Duration) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait) => Self::Slow(deadline),
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => {
                Self::Unreachable(format!("no connection within {deadline:?}"))
            }
            PoolError::Backend(error) => error,
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Self::Unreachable(error.to_string())
            }
        }
    }
}

impl From<RedisError> for QueueError {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Self::Garbled(error.to_string()),
            ErrorKind::Server(_) | ErrorKind::Extension => Self::Refused(match (error.code(), error.detail()) {
                (Some(code), Some(detail)) => format!("{code} {detail}"),
                _ => error.to_string(),
            }),
            ErrorKind::AuthenticationFailed => Self::Refused(error.to_string()),
            // The rest never reached the server. (`ErrorKind` is not ours and may grow.)
            _ => Self::Unreachable(error.to_string()),
        }
    }
}
