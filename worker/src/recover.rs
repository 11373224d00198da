//! Fast recovery: jobs of a worker that was killed on this host go back to their queues as soon as it is certain that nothing
//! of them is alive, rather than when their leases are over.
//!
//! Certain means: the worker ran on this host since its last boot; the lock that its daemon, its supervisor and all its slots
//! held is free, so that each slot has ended its tree; and no process carries one of its fences, should all of them have
//! been killed at one moment. Any worker with the same state folder does it, the killed one's next start or another one.

use crate::{context::Context, process, workdir::Predecessor};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, info, warn};

/// Between two looks. A killed worker's slots need some ms to end their jobs.
const EVERY: Duration = Duration::from_millis(250);

/// Looks until it is dropped.
pub(crate) async fn recover_for_ever(ctx: Arc<Context>) {
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        for predecessor in ctx.home.predecessors() {
            recover(&ctx, predecessor).await;
        }
    }
}

/// Gives its jobs back and removes its folder; what fails is tried again with the next look.
async fn recover(ctx: &Context, predecessor: Predecessor) {
    let Some(worker) = predecessor.worker().map(str::to_owned) else { return };
    if !predecessor.ran_here() {
        info!(worker, "a worker of another host or boot left its folder: removed; its jobs wait for their leases' end");
        return predecessor.remove();
    }
    let state_dir = ctx.config.state_dir.clone();
    match tokio::task::spawn_blocking(move || process::sweep(&state_dir)).await {
        Ok(swept) if swept.left.is_empty() => {}
        Ok(swept) => {
            warn!(worker, left = ?swept.left, "processes of a killed worker's jobs do not end: the jobs wait for their leases' end");
            return;
        }
        Err(error) => return warn!(worker, %error, "the search for a killed worker's processes failed"),
    }
    match ctx.queue.recover(&worker).await {
        Ok(jobs) => {
            info!(worker, jobs, "a worker was killed here: its jobs are queued again");
            predecessor.remove();
        }
        Err(error) => debug!(worker, %error, "a killed worker's jobs are not given back yet; trying again"),
    }
}
