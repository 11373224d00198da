//! The same operation on many jobs: some calls to a round trip. Each job's call is atomic by itself; together they are not.

use super::{
    Cancelled, Deleted, Queue, QueueError, Retried, Retry, cancel::read_cancelled, delete::read_deleted,
    retry::read_retried,
};
use crate::model::JobId;
use redis::{Cmd, Value};

/// Calls in one round trip.
const AT_ONCE: usize = 100;

impl Queue {
    /// As [`Queue::cancel`], of each; the answers in order.
    ///
    /// # Errors
    /// See [`QueueError`]; then some may be cancelled. Sending it again is safe.
    pub async fn cancel_many(
        &self,
        ids: &[JobId],
        reason: Option<&str>,
        grace_ms: Option<u64>,
    ) -> Result<Vec<Cancelled>, QueueError> {
        self.many(ids, |id| self.cancel_call(*id, reason, grace_ms), read_cancelled).await
    }

    /// As [`Queue::delete`], of each; the answers in order.
    ///
    /// # Errors
    /// See [`QueueError`]; then some may be deleted. Sending it again is safe.
    pub async fn delete_many(&self, ids: &[JobId]) -> Result<Vec<Deleted>, QueueError> {
        self.many(ids, |id| self.delete_call(*id), read_deleted).await
    }

    /// As [`Queue::retry`], of each; the answers in order.
    ///
    /// # Errors
    /// See [`QueueError`]; then some may be submitted. Sending it again is safe for the same new ids.
    pub async fn retry_many(&self, retries: &[Retry]) -> Result<Vec<Retried>, QueueError> {
        self.many(retries, |retry| self.retry_call(retry), read_retried).await
    }

    async fn many<T, A>(
        &self,
        items: &[T],
        call: impl Fn(&T) -> Cmd,
        read: impl Fn(Value) -> Result<A, QueueError>,
    ) -> Result<Vec<A>, QueueError> {
        let mut all = Vec::with_capacity(items.len());
        for some in items.chunks(AT_ONCE) {
            for answer in self.ask_replicated(some.iter().map(&call).collect()).await? {
                all.push(read(answer)?);
            }
        }
        Ok(all)
    }
}
