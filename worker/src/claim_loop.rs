//! Idle slots, and the wait for something to run: permit first, then claim.

use crate::{
    context::Context,
    process::{BootTime, Slot},
    seat::{self, Pause, Seated, Vacated},
};
use dayfly_common::{
    model::TaskName,
    queue::{Wake, WakeListener},
};
use std::{io, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tracing::{debug, warn};

/// Longest wait for a token; then the queues are looked at all the same, for tokens are only hints.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Claims for idle slots until the worker drains; returns once every slot is idle again.
///
/// # Errors
/// No slot is left and none can be opened: the supervisor has died.
pub(crate) async fn claim_until_drained(ctx: Arc<Context>, slots: Vec<Slot>) -> io::Result<()> {
    let (bell, mut rings) = doorbell(Arc::clone(&ctx));
    let mut idle = slots;
    let mut busy: JoinSet<Vacated> = JoinSet::new();
    let mut ringing = false;
    // The next look at the queues that no token announces; the first one is now.
    let mut due = Instant::now();
    while !ctx.drain.is_cancelled() {
        if idle.is_empty() && busy.is_empty() {
            return Err(io::Error::other("no slot is left: the supervisor has died"));
        }
        if !idle.is_empty() && !ringing {
            if bell.send(due.saturating_duration_since(Instant::now())).await.is_err() {
                return Err(io::Error::other("the wait for jobs ended by itself"));
            }
            ringing = true;
        }
        tokio::select! {
            () = ctx.drain.cancelled() => {}
            Some(vacated) = busy.join_next(), if !busy.is_empty() => due = due.min(take_back(vacated, &mut idle)),
            () = tokio::time::sleep_until(due), if !idle.is_empty() => due = fill(&ctx, &mut idle, &mut busy).await,
            Some(wake) = rings.recv() => {
                ringing = false;
                match wake {
                    Wake::Token(task) if idle.is_empty() => hand_on(&ctx, &task).await,
                    Wake::Token(_) => due = fill(&ctx, &mut idle, &mut busy).await,
                    Wake::Silence => {}
                }
            }
        }
    }
    while let Some(vacated) = busy.join_next().await {
        take_back(vacated, &mut idle);
    }
    Ok(())
}

/// When the queues are to be looked at again, whether a token comes or not: tokens are only hints.
fn next_look(next_due_ms: Option<u64>) -> Instant {
    Instant::now() + next_due_ms.map_or(LONGEST_WAIT, Duration::from_millis).min(LONGEST_WAIT)
}

/// A slot has nothing more to run: idle again.
fn take_back(vacated: Result<Vacated, tokio::task::JoinError>, idle: &mut Vec<Slot>) -> Instant {
    match vacated {
        Ok(Vacated { slot, next_due_ms }) => {
            idle.extend(slot);
            next_look(next_due_ms)
        }
        Err(error) => {
            warn!(%error, "the task of a slot ended unexpectedly");
            Instant::now()
        }
    }
}

/// Claims for all idle slots; gives the time of the next look.
async fn fill(ctx: &Arc<Context>, idle: &mut Vec<Slot>, busy: &mut JoinSet<Vacated>) -> Instant {
    let ask = ctx.ask(idle.len());
    let sent = BootTime::now();
    let claimed = match ctx.queue.claim(&ask).await {
        Ok(claimed) => claimed,
        Err(error) => {
            debug!(%error, "no claim");
            seat::release(ctx, &ask).await;
            return Instant::now();
        }
    };
    for claim in claimed.claims {
        let seated = Seated::new(ctx, claim, sent);
        // As many claims as nonces at most, and as many nonces as idle slots.
        if let Some(slot) = idle.pop() {
            busy.spawn(seat::occupy(Arc::clone(ctx), slot, seated));
        }
    }
    next_look(if claimed.more { Some(0) } else { claimed.next_due_ms })
}

/// A token came when no slot was free any more: another worker may have one.
async fn hand_on(ctx: &Context, task: &TaskName) {
    if let Err(error) = ctx.queue.push_token(task).await {
        debug!(%error, "a wake-up could not be handed on; the next sweep repairs that");
    }
}

/// A blocking wait cannot be abandoned half-way without losing a token, so it has a task of its own: each request is
/// one wait, answered by one ring.
fn doorbell(ctx: Arc<Context>) -> (mpsc::Sender<Duration>, mpsc::Receiver<Wake>) {
    let (bell, mut requests) = mpsc::channel::<Duration>(1);
    let (ring, rings) = mpsc::channel(1);
    tokio::spawn(async move {
        let tasks: Vec<TaskName> = ctx.tasks.keys().cloned().collect();
        let mut listener: Option<WakeListener> = None;
        let mut pause = Pause::new();
        while let Some(bound) = requests.recv().await {
            let wake = if bound.is_zero() {
                Wake::Silence
            } else {
                wait(&ctx, &tasks, &mut listener, bound, &mut pause).await
            };
            if ring.send(wake).await.is_err() {
                return;
            }
        }
    });
    (bell, rings)
}

async fn wait(
    ctx: &Context,
    tasks: &[TaskName],
    listener: &mut Option<WakeListener>,
    bound: Duration,
    pause: &mut Pause,
) -> Wake {
    if listener.is_none() {
        match ctx.queue.wake_listener(tasks).await {
            Ok(open) => *listener = Some(open),
            Err(error) => {
                debug!(%error, "no connection to wait on");
                pause.wait().await;
                return Wake::Silence;
            }
        }
    }
    let Some(open) = listener else { return Wake::Silence };
    match open.wait(bound).await {
        Ok(wake) => {
            *pause = Pause::new();
            wake
        }
        Err(error) => {
            debug!(%error, "the wait for a wake-up broke");
            *listener = None;
            pause.wait().await;
            Wake::Silence
        }
    }
}
