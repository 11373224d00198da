//! Drain: a worker is asked to leave.

use super::{Queue, QueueError, reply::parsed, reply::text};

impl Queue {
    /// Asks a worker to take no further job, to let what it runs end, and to leave. It hears of it with its next heartbeat. `false`
    /// when no such worker is there.
    ///
    /// # Errors
    /// See [`QueueError`]. Sending it again is safe.
    pub async fn drain_worker(&self, worker: &str) -> Result<bool, QueueError> {
        let mut call = self.function("dayfly_drain");
        call.arg(worker);
        Ok(parsed::<i64>(&text(self.ask(call).await?)?)? == 1)
    }
}
