//! Once a second, and at once when a cancel was heard: leases renewed, verdicts passed on, presence shown.

use crate::{context::Context, held::Order, process::BootTime};
use dayfly_common::{
    model::TaskDef,
    queue::{Beat, Presence, TaskCard, Verdict},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

/// The registry is written again this often: it forgets what is not seen for 90 s, and a server may have lost its data.
const REGISTER_EVERY: Duration = Duration::from_secs(30);

/// Beats until it is dropped.
pub(crate) async fn beat_for_ever(ctx: Arc<Context>, mut presence: Presence) {
    let mut every = interval(Duration::from_millis(ctx.config.heartbeat_ms));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut registered = tokio::time::Instant::now();
    let mut away = false;
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = ctx.beat_now.notified() => {}
        }
        presence.draining = ctx.drain.is_cancelled();
        presence.busy = u32::try_from(ctx.held.len()).unwrap_or(u32::MAX);
        presence.memory_used = presence.memory.map(|_| ctx.held.memory());
        match beat(&ctx, &presence).await {
            Ok(()) => {
                if away {
                    info!(worker = %ctx.worker, "Redis is back");
                }
                if away || registered.elapsed() > REGISTER_EVERY {
                    register(&ctx).await;
                    registered = tokio::time::Instant::now();
                }
                away = false;
            }
            Err(error) if away => tracing::debug!(%error, "still no heartbeat"),
            Err(error) => {
                away = true;
                warn!(worker = %ctx.worker, %error, "no heartbeat: running jobs go on until their leases' limit, nothing new is claimed");
            }
        }
    }
}

async fn beat(ctx: &Context, presence: &Presence) -> Result<(), dayfly_common::queue::QueueError> {
    let held = ctx.held.all();
    // The limit counts from when the renewal was *sent*: the server cannot have begun the new lease earlier.
    let limit = BootTime::now().after(ctx.lease_ttl());
    let beat = Beat { presence: presence.clone(), held, ttl_ms: ctx.config.lease_ttl_ms };
    let reply = ctx.queue.heartbeat(&beat).await?;
    for (held, verdict) in beat.held.iter().zip(reply.verdicts) {
        let nonce = &held.fence.nonce;
        match verdict {
            Verdict::Ok => ctx.held.order(nonce, Order::Renew(limit)),
            Verdict::Cancel { grace_ms } => {
                ctx.held.order(nonce, Order::Renew(limit));
                ctx.held.order(nonce, Order::Cancel { grace_ms });
            }
            Verdict::Lost => ctx.held.order(nonce, Order::Lost),
        }
    }
    if reply.drain && !ctx.drain.is_cancelled() {
        info!(worker = %ctx.worker, "asked to drain");
        ctx.drain.cancel();
    }
    Ok(())
}

/// Publishes the catalogue; a failure is only logged, for it is tried again.
pub(crate) async fn register(ctx: &Context) {
    let cards: Vec<TaskCard> = ctx.tasks.values().map(|task| TaskCard::from(&**task as &TaskDef)).collect();
    if let Err(error) = ctx.queue.register_tasks(&cards).await {
        warn!(%error, "the tasks could not be published");
    }
}
