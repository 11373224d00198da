//! Data that has gone, told from data that no failover would have kept.
//!
//! An empty keyspace is given a name (`Queue::sweep`), and who finds another name than the one it knew finds that everything
//! has gone. A name counts as known only once a replica has it: sentinels that take a busy primary for dead may replace it
//! just when the first process has named its data, and what the old primary took in that moment is nobody's loss.

use super::Queue;
use std::time::{Duration, Instant};

/// A name that was there for so long is known, although no replica confirms it: there may be none.
const SETTLED: Duration = Duration::from_secs(30);

/// The name of the data, as one process knows it.
#[derive(Debug, Default)]
pub struct Birth {
    known: Option<String>,
    met: Option<(String, Instant)>,
}

impl Birth {
    /// Whether data of this name is the data that was known before.
    pub async fn is_still(&mut self, queue: &Queue, name: String) -> bool {
        if let Some(known) = &self.known {
            return known == &name;
        }
        let since = match &self.met {
            Some((met, since)) if met == &name => *since,
            Some(_) | None => self.met.insert((name.clone(), Instant::now())).1,
        };
        if since.elapsed() >= SETTLED || queue.outlives_failover().await.unwrap_or(false) {
            self.known = Some(name);
        }
        true
    }
}
