//! What an API process does for the queue when nobody asks: loads the library, and sweeps, so that due and expired jobs move
//! even while no worker is up.

use dayfly_common::queue::Queue;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// From one sweep to the next; the queue itself skips what comes too often from many processes.
const PERIOD: Duration = Duration::from_secs(1);

/// Runs until `closing`.
pub(crate) async fn run(queue: Queue, closing: CancellationToken) {
    closing.run_until_cancelled(keep(queue)).await;
}

async fn keep(queue: Queue) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut loaded = false;
    let mut told = false;
    loop {
        ticks.tick().await;
        let step = async {
            if !loaded {
                queue.ensure_library().await?;
            }
            queue.sweep().await
        };
        match step.await {
            Ok(()) => {
                if told {
                    tracing::info!("Redis answers again");
                }
                (loaded, told) = (true, false);
            }
            Err(error) => {
                if !told {
                    tracing::warn!(%error, "the queue cannot be swept: {error}");
                }
                // Another server, or one without its data, may be there when it answers again.
                (loaded, told) = (false, true);
            }
        }
    }
}
