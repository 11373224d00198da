//! The pool's connections. A link is given out without asking the server first (that would cost a round trip a
//! command); it is thrown away as soon as an exchange on it did not come to its end, or the primary is another one.

use super::{QueueError, primary::Primary};
use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use futures_util::FutureExt as _;
use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use std::sync::Arc;

/// One pooled connection.
pub(super) struct Link {
    /// The connection.
    pub(super) connection: MultiplexedConnection,
    /// The term of the primary that it leads to.
    pub(super) term: u64,
    /// An exchange is under way, or was given up: an answer may still come that belongs to nobody.
    pub(super) unfinished: bool,
    /// An exchange came to its end on it: the server may since have closed it without our knowing.
    pub(super) used: bool,
}

/// Makes links.
pub(super) struct Links {
    primary: Arc<Primary>,
    timed: AsyncConnectionConfig,
}

impl Links {
    pub(super) fn new(primary: Arc<Primary>, timed: AsyncConnectionConfig) -> Self {
        Self { primary, timed }
    }
}

impl Manager for Links {
    type Type = Link;
    type Error = QueueError;

    async fn create(&self) -> Result<Link, QueueError> {
        let (connection, term) = self.primary.connect(&self.timed).boxed().await?;
        Ok(Link { connection, term, unfinished: false, used: false })
    }

    async fn recycle(&self, link: &mut Link, _: &Metrics) -> RecycleResult<QueueError> {
        if link.unfinished {
            Err(RecycleError::message("an exchange was given up"))
        } else if !self.primary.stands(link.term).await {
            Err(RecycleError::message("it may not lead to the primary"))
        } else {
            Ok(())
        }
    }
}
