//! Recovery: what a dead worker held goes back at once.

use super::{Queue, QueueError, reply::Items};

impl Queue {
    /// Takes back everything that a worker held, as lost, and its presence; gives how many jobs. Only for a worker that is
    /// known to be dead with all its processes, or jobs would run twice.
    ///
    /// # Errors
    /// See [`QueueError`]; then to be sent again.
    pub async fn recover(&self, worker: &str) -> Result<u64, QueueError> {
        let mut all = 0;
        loop {
            let mut call = self.function("dayfly_recover");
            call.arg(worker);
            let mut items = Items::of(self.ask(call).await?)?;
            all += items.parsed::<u64>()?;
            if items.parsed::<u8>()? == 0 {
                return Ok(all);
            }
        }
    }
}
