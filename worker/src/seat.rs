//! One slot at work: job after job, the end of one and the claim of the next in a single round trip.

use crate::{
    clocks::Clocks,
    context::Context,
    held::Order,
    memory::Share,
    process::{BootTime, Slot},
    run,
};
use dayfly_common::queue::{Ask, Claim, Claimed, Finish, Finished};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

/// A worker that shuts down while Redis is away tries this often before it leaves.
const LAST_TRIES: u32 = 5;
/// How long a slot asks for nothing when its host could not start a job.
const STRAINED: Duration = Duration::from_secs(1);

/// A claim that has been entered among what this worker holds.
pub(crate) struct Seated {
    pub(crate) claim: Claim,
    pub(crate) orders: mpsc::UnboundedReceiver<Order>,
    /// L as of the claim; renewals come by `orders`.
    pub(crate) limit: BootTime,
    /// When it was sent.
    pub(crate) clocks: Clocks,
}

/// When a request for jobs was sent, by the clocks that leases count on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    at: BootTime,
    clocks: Clocks,
}

impl Sent {
    /// Just before it is.
    pub(crate) fn now() -> Self {
        Self { at: BootTime::now(), clocks: Clocks::now() }
    }
}

impl Seated {
    /// `sent`: when the request that gave this claim was sent; the lease cannot end before `sent` + ttl. `lent`: what that
    /// request might bring, of which the job now takes its share.
    pub(crate) fn new(ctx: &Context, claim: Claim, sent: Sent, lent: &mut Share) -> Self {
        ctx.metrics.claimed(&claim);
        let memory = lent.split(ctx.memory_of(&claim.task));
        let orders = ctx.held.add(claim.id, &claim.fence, memory);
        Self { claim, orders, limit: sent.at.after(ctx.lease_ttl()), clocks: sent.clocks }
    }
}

/// What a slot comes back with when there is nothing more to run.
pub(crate) struct Vacated {
    /// The slot; `None` when it died and could not be replaced.
    pub(crate) slot: Option<Slot>,
    /// Ms until the next delayed job falls due, as the last claim said.
    pub(crate) next_due_ms: Option<u64>,
    /// Jobs wait for so much memory, as the last claim said, bytes.
    pub(crate) short_of: Option<u64>,
}

/// Runs jobs until a claim gives none.
pub(crate) async fn occupy(ctx: Arc<Context>, slot: Slot, first: Seated) -> Vacated {
    let mut slot = slot;
    let mut seated = first;
    loop {
        let nonce = seated.claim.fence.nonce.clone();
        let ran = run::run(&ctx, slot, seated).await;
        let replaced = match ran.slot {
            Some(same) => Some(same),
            None => reopen(&ctx).await,
        };
        // Its processes are gone: the next job may have its memory, even before its end is written.
        let former = ctx.held.take_memory(&nonce);
        let wanted = usize::from(replaced.is_some() && ctx.may_claim() && !ran.strained);
        let mut lent = ctx.memory.lend(wanted, former);
        let ask = (wanted > 0).then(|| ctx.ask(wanted, &lent));
        let next = match ran.finish {
            Some(finish) => write_end(&ctx, &finish, ask).await,
            None => None,
        };
        ctx.held.remove(&nonce);
        if ran.strained {
            // The slot stays out of the way meanwhile, or it would take the same job again at once.
            tokio::select! {
                () = tokio::time::sleep(STRAINED) => {}
                () = ctx.drain.cancelled() => {}
            }
        }
        let Some(back) = replaced else { return Vacated { slot: None, next_due_ms: None, short_of: None } };
        let Some((claimed, sent)) = next else {
            return Vacated { slot: Some(back), next_due_ms: Some(0), short_of: None };
        };
        slot = back;
        let next_due_ms = if claimed.more { Some(0) } else { claimed.next_due_ms };
        match claimed.claims.into_iter().next() {
            Some(claim) => seated = Seated::new(&ctx, claim, sent, &mut lent),
            None => return Vacated { slot: Some(slot), next_due_ms, short_of: claimed.short_of },
        }
    }
}

/// Another slot process for one that died.
async fn reopen(ctx: &Context) -> Option<Slot> {
    match ctx.supervisor.open_slot().await {
        Ok(slot) => {
            info!(worker = %ctx.worker, "a slot died and was replaced");
            Some(slot)
        }
        Err(error) => {
            error!(worker = %ctx.worker, %error, "a slot died and could not be replaced");
            None
        }
    }
}

/// Writes the end of an attempt until it is answered, and asks for the next job along with it. Outcomes are never given
/// up: while Redis is away they wait here. `None`: nothing was asked, or the asking failed and was taken back.
async fn write_end(ctx: &Context, finish: &Finish, mut ask: Option<Ask>) -> Option<(Claimed, Sent)> {
    let mut pause = Pause::new();
    let mut take_back: Option<Ask> = None;
    loop {
        let sent = Sent::now();
        match ctx.queue.finish(std::slice::from_ref(finish), ask.as_ref()).await {
            Ok((ends, claimed)) => {
                if ends.contains(&Finished::Fenced) {
                    warn!(job = %finish.id, fence = %finish.fence, "the end of an attempt came too late: it was taken back before");
                }
                if ends.iter().any(|end| matches!(end, Finished::Done(_) | Finished::Already(_))) {
                    ctx.metrics.ended(&finish.task, &finish.outcome);
                }
                if let Some(lost) = take_back {
                    release(ctx, &lost).await;
                }
                return claimed.map(|claimed| (claimed, sent));
            }
            Err(error) if pause.tries >= LAST_TRIES && ctx.must_leave() => {
                warn!(job = %finish.id, %error, "shutting down without having written the end of an attempt: the job runs again with the next start here, or after its lease");
                ctx.home.leave_to_recovery();
                return None;
            }
            Err(error) => {
                warn!(job = %finish.id, %error, "the end of an attempt is not written yet; trying again");
                // Whether the claim part took effect is unknown. It is taken back once Redis answers again.
                take_back = take_back.or(ask.take());
                pause.wait().await;
            }
        }
    }
}

/// Takes a claim back whose answer was lost, until Redis confirms it.
pub(crate) async fn release(ctx: &Context, ask: &Ask) {
    let mut pause = Pause::new();
    while let Err(error) = ctx.queue.release(&ctx.worker, &ask.nonces).await {
        if pause.tries >= LAST_TRIES && ctx.drain.is_cancelled() {
            warn!(worker = %ctx.worker, %error, "shutting down without having taken a claim back: the next start here does, or it runs out with its lease");
            ctx.home.leave_to_recovery();
            return;
        }
        warn!(worker = %ctx.worker, %error, "a claim whose answer was lost is not taken back yet; trying again");
        pause.wait().await;
    }
}

/// Growing waits between tries, 0.1 to 2 s, with jitter so that workers do not come back in step.
pub(crate) struct Pause {
    next_ms: u64,
    tries: u32,
}

impl Pause {
    pub(crate) fn new() -> Self {
        Self { next_ms: 100, tries: 0 }
    }

    pub(crate) async fn wait(&mut self) {
        let jitter = dayfly_common::model::random_u64() % (self.next_ms / 2 + 1);
        tokio::time::sleep(Duration::from_millis(self.next_ms - jitter)).await;
        self.next_ms = (self.next_ms * 2).min(2_000);
        self.tries += 1;
    }
}
