//! Once a second, and at once when a cancel was heard: leases renewed, verdicts passed on, presence shown.

use crate::{clocks::Clocks, context::Context, held::Order, process::BootTime};
use dayfly_common::{
    model::TaskDef,
    queue::{Beat, Birth, Presence, QueueError, TaskCard, Verdict},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

/// The registry is written again this often: it forgets what is not seen for 90 s, and a server may have lost its data.
const REGISTER_EVERY: Duration = Duration::from_secs(30);

/// Said when the data is not what it was.
const DATA_GONE: &str = "Redis has lost all its data since this worker started, running jobs and all: nothing new is claimed \
                         until its operator has looked. Restart this worker to go on with what is there";

/// Beats until it is dropped.
pub(crate) async fn beat_for_ever(ctx: Arc<Context>, presence: Presence) {
    let mut every = interval(Duration::from_millis(ctx.config.heartbeat_ms));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut registered = tokio::time::Instant::now();
    let mut away = false;
    let mut pulse =
        Pulse { presence, clocks: Clocks::now(), missed: Duration::ZERO, confirmed: None, birth: Birth::default() };
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = ctx.beat_now.notified() => {}
        }
        let beat = pulse.beat(&ctx).await;
        ctx.metrics.redis_is_up(beat.is_ok());
        match beat {
            Ok(()) => {
                if away {
                    info!(worker = %ctx.worker, "Redis is back");
                }
                if away || registered.elapsed() > REGISTER_EVERY {
                    register(&ctx).await;
                    ctx.queue.audit_now_and_then().await;
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

/// What is kept from one beat to the next.
struct Pulse {
    presence: Presence,
    clocks: Clocks,
    /// Time that this host may have missed since the last beat that was answered.
    missed: Duration,
    /// L of that beat.
    confirmed: Option<BootTime>,
    birth: Birth,
}

impl Pulse {
    async fn beat(&mut self, ctx: &Context) -> Result<(), QueueError> {
        self.presence.draining = ctx.drain.is_cancelled();
        self.presence.busy = u32::try_from(ctx.held.len()).unwrap_or(u32::MAX);
        self.presence.memory_used = self.presence.memory.map(|_| ctx.held.memory());
        self.look_at_the_clocks(ctx);
        let held = ctx.held.all();
        // The limit counts from when the renewal was *sent*: the server cannot have begun the new lease earlier.
        let limit = BootTime::now().after(ctx.lease_ttl());
        let beat = Beat { presence: self.presence.clone(), held, ttl_ms: ctx.config.lease_ttl_ms };
        let reply = match ctx.queue.heartbeat(&beat).await {
            Ok(reply) => reply,
            Err(error) => {
                self.count_in_what_was_missed(ctx);
                return Err(error);
            }
        };
        (self.missed, self.confirmed) = (Duration::ZERO, Some(limit));
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
        if !self.birth.is_still(&ctx.queue, reply.born).await && !ctx.data_gone.is_cancelled() {
            error!(worker = %ctx.worker, "{DATA_GONE}");
            ctx.data_gone.cancel();
        }
        Ok(())
    }

    fn look_at_the_clocks(&mut self, ctx: &Context) {
        let now = Clocks::now();
        if let Some(missed) = now.missed_since(self.clocks) {
            warn!(worker = %ctx.worker, ?missed, "the wall clock has jumped: this host may have stood still; leases are verified");
            self.missed += missed;
        }
        self.clocks = now;
    }

    /// Nobody has verified the leases since: they may end sooner by that much.
    fn count_in_what_was_missed(&mut self, ctx: &Context) {
        if let Some(confirmed) = self.confirmed.filter(|_| !self.missed.is_zero()) {
            let limit = confirmed.before(self.missed);
            self.confirmed = Some(limit);
            self.missed = Duration::ZERO;
            ctx.held.order_all(Order::Shorten(limit));
        }
    }
}

/// Publishes the catalogue; a failure is only logged, for it is tried again.
pub(crate) async fn register(ctx: &Context) {
    let cards: Vec<TaskCard> = ctx.tasks.values().map(|task| TaskCard::from(&**task as &TaskDef)).collect();
    if let Err(error) = ctx.queue.register_tasks(&cards).await {
        warn!(%error, "the tasks could not be published");
    }
}
