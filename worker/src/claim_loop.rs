//! Idle slots, and the wait for something to run: permit first, then claim.

use crate::{
    context::Context,
    doorbell::doorbell,
    process::Slot,
    seat::{self, Seated, Sent, Vacated},
};
use dayfly_common::{model::TaskName, queue::Wake};
use std::{io, sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::Instant};
use tracing::{debug, warn};

/// Longest wait for a token; then the queues are looked at all the same, for tokens are only hints.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
const NO_SUPERVISOR: &str = "the supervisor has died";

/// Claims for idle slots until the worker drains; returns once every slot is idle again.
///
/// # Errors
/// No slot is left and none can be opened: the supervisor has died.
pub(crate) async fn claim_until_drained(ctx: Arc<Context>, slots: Vec<Slot>) -> io::Result<()> {
    let (bell, mut rings) = doorbell(Arc::clone(&ctx));
    let mut idle = slots;
    let mut busy: JoinSet<Vacated> = JoinSet::new();
    let mut ringing = false;
    let mut next = NextLook::now();
    let mut supervised = Ok(());
    let supervisor = ctx.supervisor.ended();
    tokio::pin!(supervisor);
    while !ctx.drain.is_cancelled() {
        if idle.is_empty() && busy.is_empty() {
            return Err(io::Error::other(NO_SUPERVISOR));
        }
        if !idle.is_empty() && !ringing {
            if bell.send(next.due.saturating_duration_since(Instant::now())).await.is_err() {
                return Err(io::Error::other("the wait for jobs ended by itself"));
            }
            ringing = true;
        }
        tokio::select! {
            () = ctx.drain.cancelled() => {}
            watched = &mut supervisor => {
                supervised = watched.and_then(|()| Err(io::Error::other(NO_SUPERVISOR)));
                break;
            }
            Some(vacated) = busy.join_next(), if !busy.is_empty() => next = next.sooner(take_back(vacated, &mut idle)),
            () = next.has_come(&ctx), if !idle.is_empty() => next = fill(&ctx, &mut idle, &mut busy).await,
            Some(wake) = rings.recv() => {
                ringing = false;
                match wake {
                    Wake::Token(task) if idle.is_empty() => hand_on(&ctx, &task).await,
                    Wake::Token(_) => next = fill(&ctx, &mut idle, &mut busy).await,
                    Wake::Silence => {}
                }
            }
        }
    }
    // Also without a supervisor: each job of its slots has ended, and that is still to be written.
    while let Some(vacated) = busy.join_next().await {
        take_back(vacated, &mut idle);
    }
    supervised
}

/// When the queues are to be looked at again, whether a token comes or not: tokens are only hints.
#[derive(Clone, Copy)]
struct NextLook {
    due: Instant,
    /// Or as soon as so much memory is free, for jobs wait for it, bytes.
    short_of: Option<u64>,
}

impl NextLook {
    fn after(next_due_ms: Option<u64>, short_of: Option<u64>) -> Self {
        let wait = next_due_ms.map_or(LONGEST_WAIT, Duration::from_millis).min(LONGEST_WAIT);
        Self { due: Instant::now() + wait, short_of }
    }

    fn now() -> Self {
        Self { due: Instant::now(), short_of: None }
    }

    /// Whichever of the two comes first.
    fn sooner(self, other: Self) -> Self {
        let short_of = match (self.short_of, other.short_of) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { due: self.due.min(other.due), short_of }
    }

    async fn has_come(self, ctx: &Context) {
        tokio::select! {
            () = tokio::time::sleep_until(self.due) => {}
            () = ctx.memory.until_free(self.short_of.unwrap_or_default()), if self.short_of.is_some() => {}
        }
    }
}

/// A slot has nothing more to run: idle again.
fn take_back(vacated: Result<Vacated, tokio::task::JoinError>, idle: &mut Vec<Slot>) -> NextLook {
    match vacated {
        Ok(Vacated { slot, next_due_ms, short_of }) => {
            idle.extend(slot);
            NextLook::after(next_due_ms, short_of)
        }
        Err(error) => {
            warn!(%error, "the task of a slot ended unexpectedly");
            NextLook::now()
        }
    }
}

/// Claims for all idle slots; gives the next look.
async fn fill(ctx: &Arc<Context>, idle: &mut Vec<Slot>, busy: &mut JoinSet<Vacated>) -> NextLook {
    if !ctx.may_claim() {
        return NextLook::after(None, None);
    }
    let mut lent = ctx.memory.lend(idle.len(), None);
    let ask = ctx.ask(idle.len(), &lent);
    let sent = Sent::now();
    let claimed = match ctx.queue.claim(&ask).await {
        Ok(claimed) => claimed,
        Err(error) => {
            debug!(%error, "no claim");
            seat::release(ctx, &ask).await;
            return NextLook::now();
        }
    };
    for claim in claimed.claims {
        let seated = Seated::new(ctx, claim, sent, &mut lent);
        // As many claims as nonces at most, and as many nonces as idle slots.
        if let Some(slot) = idle.pop() {
            busy.spawn(seat::occupy(Arc::clone(ctx), slot, seated));
        }
    }
    NextLook::after(if claimed.more { Some(0) } else { claimed.next_due_ms }, claimed.short_of)
}

/// A token came when no slot was free any more: another worker may have one.
async fn hand_on(ctx: &Context, task: &TaskName) {
    if let Err(error) = ctx.queue.push_token(task).await {
        debug!(%error, "a wake-up could not be handed on; the next sweep repairs that");
    }
}
