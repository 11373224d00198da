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
use tokio::{sync::mpsc, task::JoinSet};
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
    let mut next_wait = Duration::ZERO;
    loop {
        if idle.is_empty() && busy.is_empty() {
            return Err(io::Error::other("no slot is left: the supervisor has died"));
        }
        if ctx.drain.is_cancelled() {
            break;
        }
        if !idle.is_empty() && !ringing {
            if bell.send(next_wait).await.is_err() {
                return Err(io::Error::other("the wait for jobs ended by itself"));
            }
            ringing = true;
        }
        tokio::select! {
            () = ctx.drain.cancelled() => break,
            Some(vacated) = busy.join_next(), if !busy.is_empty() => {
                next_wait = take_back(vacated, &mut idle);
            }
            Some(wake) = rings.recv() => {
                ringing = false;
                if idle.is_empty() {
                    hand_on(&ctx, wake).await;
                } else {
                    next_wait = fill(&ctx, &mut idle, &mut busy).await;
                }
            }
        }
    }
    while let Some(vacated) = busy.join_next().await {
        take_back(vacated, &mut idle);
    }
    Ok(())
}

/// A slot has nothing more to run: idle again. Gives the time to wait before the queues are looked at.
fn take_back(vacated: Result<Vacated, tokio::task::JoinError>, idle: &mut Vec<Slot>) -> Duration {
    match vacated {
        Ok(Vacated { slot, next_due_ms }) => {
            idle.extend(slot);
            next_due_ms.map_or(LONGEST_WAIT, Duration::from_millis).min(LONGEST_WAIT)
        }
        Err(error) => {
            warn!(%error, "the task of a slot ended unexpectedly");
            Duration::ZERO
        }
    }
}

/// Claims for all idle slots; gives the time to wait before the next look.
async fn fill(ctx: &Arc<Context>, idle: &mut Vec<Slot>, busy: &mut JoinSet<Vacated>) -> Duration {
    let ask = ctx.ask(idle.len());
    let sent = BootTime::now();
    let claimed = match ctx.queue.claim(&ask).await {
        Ok(claimed) => claimed,
        Err(error) => {
            debug!(%error, "no claim");
            seat::release(ctx, &ask).await;
            return Duration::ZERO;
        }
    };
    let wait =
        if claimed.more { Duration::ZERO } else { claimed.next_due_ms.map_or(LONGEST_WAIT, Duration::from_millis) };
    for claim in claimed.claims {
        let seated = Seated::new(ctx, claim, sent);
        // As many claims as nonces at most, and as many nonces as idle slots.
        if let Some(slot) = idle.pop() {
            busy.spawn(seat::occupy(Arc::clone(ctx), slot, seated));
        }
    }
    wait.min(LONGEST_WAIT)
}

/// A token came when no slot was free any more: another worker may have one.
async fn hand_on(ctx: &Context, wake: Wake) {
    match wake {
        Wake::Token(task) => {
            if let Err(error) = ctx.queue.push_token(&task).await {
                debug!(%error, "a wake-up could not be handed on; the next sweep repairs that");
            }
        }
        Wake::Silence => {}
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
