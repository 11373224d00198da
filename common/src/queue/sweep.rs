//! Sweep: the periodic repair that any process may run.

use super::{Queue, QueueError, reply::Items};

impl Queue {
    /// Takes expired leases back, moves due jobs to their queues, fails expired ones, arms wake-ups, trims indexes.
    /// Bounded work; does nothing when another sweep ran within the last second. Gives the name of the data: an empty
    /// keyspace is given another one, so who finds a changed name finds that everything has gone.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn sweep(&self) -> Result<String, QueueError> {
        let mut items = Items::of(self.ask(self.function("dayfly_sweep")).await?)?;
        items.value();
        items.text()
    }
}
