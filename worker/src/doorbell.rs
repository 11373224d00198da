//! The wait for a wake-up, beside the claim loop.
//!
//! It waits for tokens of those tasks only of which a job fits into the memory that is free. A token of another one would only
//! be taken from a worker that can use it, to be put back and be there again at once. When more memory becomes free the
//! wait is ended and begun anew, for more tasks.

use crate::{context::Context, seat::Pause};
use dayfly_common::{
    model::TaskName,
    queue::{ListenerId, QueueError, Wake, WakeListener},
};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tracing::debug;

/// From one request to end a wait to the next: the first may have been quicker than the wait itself.
const AGAIN: Duration = Duration::from_millis(5);

/// A blocking wait cannot be abandoned half-way without losing a token, so it has a task of its own: each request is
/// one wait, answered by one ring.
pub(crate) fn doorbell(ctx: Arc<Context>) -> (mpsc::Sender<Duration>, mpsc::Receiver<Wake>) {
    let (bell, mut requests) = mpsc::channel::<Duration>(1);
    let (ring, rings) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut listener: Option<WakeListener> = None;
        let mut pause = Pause::new();
        while let Some(bound) = requests.recv().await {
            let wake = if bound.is_zero() { Wake::Silence } else { wait(&ctx, &mut listener, bound, &mut pause).await };
            if ring.send(wake).await.is_err() {
                return;
            }
        }
    });
    (bell, rings)
}

async fn wait(ctx: &Context, listener: &mut Option<WakeListener>, bound: Duration, pause: &mut Pause) -> Wake {
    if listener.is_none() {
        match ctx.queue.wake_listener().await {
            Ok(open) => *listener = Some(open),
            Err(error) => {
                debug!(%error, "no connection to wait on");
                pause.wait().await;
                return Wake::Silence;
            }
        }
    }
    let Some(open) = listener else { return Wake::Silence };
    match wait_for_what_fits(ctx, open, bound).await {
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

async fn wait_for_what_fits(ctx: &Context, open: &mut WakeListener, bound: Duration) -> Result<Wake, QueueError> {
    let free = ctx.memory.free();
    let (fit, too_large): (Vec<TaskName>, Vec<TaskName>) =
        ctx.tasks.keys().cloned().partition(|task| ctx.memory_of(task) <= free);
    let Some(more) = too_large.iter().map(|task| ctx.memory_of(task)).min() else {
        return open.wait(&fit, bound).await;
    };
    let id = open.id();
    let mut waiting = std::pin::pin!(open.wait(&fit, bound));
    tokio::select! {
        answer = &mut waiting => answer,
        () = ctx.memory.until_free(more) => match id {
            // Nothing blocks on the server: this wait may be dropped.
            _ if fit.is_empty() => Ok(Wake::Silence),
            Some(id) => cut_short(ctx, id, waiting).await,
            None => waiting.await,
        }
    }
}

/// Has the server end the wait, until it has ended. A server that refuses lets it last to its bound.
async fn cut_short<W>(ctx: &Context, id: ListenerId, mut waiting: Pin<&mut W>) -> Result<Wake, QueueError>
where
    W: Future<Output = Result<Wake, QueueError>>,
{
    loop {
        if let Err(error) = ctx.queue.end_wait(id).await {
            debug!(%error, "a wait for wake-ups could not be ended early");
            return waiting.await;
        }
        tokio::select! {
            answer = &mut waiting => return answer,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}
