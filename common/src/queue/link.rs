//! The pool's connections. A link is given out without asking the server first (that would cost a round trip a
//! command); it is thrown away as soon as an exchange on it did not come to its end.

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use redis::{RedisError, aio::MultiplexedConnection};

/// One pooled connection.
pub(super) struct Link {
    /// The connection.
    pub(super) connection: MultiplexedConnection,
    /// An exchange is under way, or was given up: an answer may still come that belongs to nobody.
    pub(super) unfinished: bool,
    /// An exchange came to its end on it: the server may since have closed it without our knowing.
    pub(super) used: bool,
}

/// Makes links.
pub(super) struct Links {
    inner: deadpool_redis::Manager,
}

impl Links {
    pub(super) fn new(inner: deadpool_redis::Manager) -> Self {
        Self { inner }
    }
}

impl Manager for Links {
    type Type = Link;
    type Error = RedisError;

    async fn create(&self) -> Result<Link, RedisError> {
        let connection = self.inner.create().await?;
        Ok(Link { connection, unfinished: false, used: false })
    }

    async fn recycle(&self, link: &mut Link, _: &Metrics) -> RecycleResult<RedisError> {
        if link.unfinished { Err(RecycleError::message("an exchange was given up")) } else { Ok(()) }
    }
}
