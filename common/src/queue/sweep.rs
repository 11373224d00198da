//! Sweep: the periodic repair that any process may run.

use super::{Queue, QueueError};

impl Queue {
    /// Takes expired leases back, moves due jobs to their queues, fails expired ones, arms wake-ups, trims indexes.
    /// Bounded work; does nothing when another sweep ran within the last second.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn sweep(&self) -> Result<(), QueueError> {
        self.ask(self.function("dayfly_sweep")).await.map(drop)
    }
}
