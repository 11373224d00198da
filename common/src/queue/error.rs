//! What can go wrong between Dayfly and its server.

use std::time::Duration;

/// An operation that got no answer of its own kind.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// No connection, or it broke. Whether the operation took effect is unknown; sending it again is safe.
    #[error("Redis cannot be reached: {0}")]
    Unreachable(String),
    /// No answer within the command deadline. Sending it again is safe.
    #[error("Redis did not answer within {0:?}")]
    Slow(Duration),
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
