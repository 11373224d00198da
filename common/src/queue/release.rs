//! Release: a claim given up before anything of it ran.

use super::{Queue, QueueError, claim::joined};
use crate::model::Nonce;

impl Queue {
    /// Gives back whatever `nonces` hold, free: queued again with their old `ready_at`. A nonce that holds nothing, now
    /// or later (its claim may still be on its way), is remembered for a while so that it can never take a job.
    ///
    /// # Errors
    /// See [`QueueError`]; then to be sent again.
    pub async fn release(&self, worker: &str, nonces: &[Nonce]) -> Result<(), QueueError> {
        let mut call = self.function("dayfly_release");
        call.arg(worker).arg(joined(nonces));
        self.ask(call).await.map(drop)
    }
}
