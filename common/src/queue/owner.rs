//! Whose a job is, by one small read.

use super::{Queue, QueueError, reply::Items};
use crate::model::JobId;
use redis::Value;

impl Queue {
    /// The owner of a job (empty: nobody's), or `None` when there is no such job.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn owner_of(&self, id: JobId) -> Result<Option<String>, QueueError> {
        Ok(self.owners_of(&[id]).await?.pop().flatten())
    }

    /// As [`Queue::owner_of`], of several in one round trip.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn owners_of(&self, ids: &[JobId]) -> Result<Vec<Option<String>>, QueueError> {
        let ask = |id: &JobId| {
            let mut ask = redis::cmd("HMGET");
            ask.arg(self.keys.job(*id)).arg("state").arg("owner");
            ask
        };
        let read = |answer: Value| {
            let mut fields = Items::of(answer)?;
            let there = fields.maybe_parsed::<String>()?.is_some();
            let owner = fields.maybe_parsed::<String>()?.unwrap_or_default();
            Ok(there.then_some(owner))
        };
        self.ask_all(ids.iter().map(ask).collect()).await?.into_iter().map(read).collect()
    }
}
