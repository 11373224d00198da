//! What an API process does for the queue when nobody asks: loads the library, and sweeps, so that due and expired jobs move
//! even while no worker is up.

use crate::app::App;
use dayfly_common::queue::{Birth, QueueError};
use std::{sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;

/// From one sweep to the next; the queue itself skips what comes too often from many processes.
const PERIOD: Duration = Duration::from_secs(1);
/// The walk of the audit is a slow one.
const SWEEPS_AN_AUDIT: u64 = 10;

/// Runs until it is dropped, or until the first server it meets keeps less than `require_durable` asks for.
pub(crate) async fn run(app: Arc<App>) -> QueueError {
    let queue = &app.queue;
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut birth = Birth::default();
    let (mut met, mut met_once, mut told, mut sweeps) = (false, false, false, 0_u64);
    loop {
        ticks.tick().await;
        let step = async {
            if !met {
                queue.meet_server().await?;
            }
            queue.sweep().await
        };
        match step.await {
            Ok(name) => {
                if !birth.is_still(queue, name).await && app.data_gone.set(()).is_ok() {
                    tracing::error!(
                        "Redis has lost all its data since this server met it: no job is taken until it is restarted"
                    );
                }
                if told {
                    tracing::info!("Redis answers again");
                }
                (met, met_once, told) = (true, true, false);
                sweeps += 1;
                if sweeps % SWEEPS_AN_AUDIT == 0 {
                    queue.audit_now_and_then().await;
                }
            }
            Err(error @ QueueError::NotDurable(_)) if !met_once => return error,
            Err(error) => {
                if !told {
                    tracing::warn!(%error, "the queue cannot be swept: {error}");
                }
                // Another server, or one without its data, may be there when it answers again.
                (met, told) = (false, true);
            }
        }
    }
}
