//! Waiting for a job's end on behalf of a client. A client that goes away just drops the wait; nothing is cancelled.

use crate::{
    events::{Concern, Events},
    load,
};
use dayfly_common::{
    model::JobId,
    queue::{JobView, Queue, QueueError},
};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The record is read again this often even when nothing woke the waiter.
const LOOK_ANYWAY: Duration = Duration::from_secs(5);
/// And this soon after it could not be read.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The job once it has ended, or as it is when `bound` is over or the server closes; `None` when there is no such job.
///
/// # Errors
/// Only when the record could not be read at all. Later troubles are waited out.
pub(crate) async fn for_end(
    queue: &Queue,
    events: &Events,
    closing: &CancellationToken,
    id: JobId,
    bound: Duration,
) -> Result<Option<JobView>, QueueError> {
    let interest = events.register(id, Concern::End);
    let until = Instant::now() + bound;
    let mut last = queue.job(id).await?;
    let mut pause = LOOK_ANYWAY;
    loop {
        let ended = last.as_ref().is_none_or(|view| view.record.state.is_terminal());
        if ended || Instant::now() >= until || closing.is_cancelled() {
            return Ok(last);
        }
        let look = until.min(Instant::now() + pause);
        let rest = load::resting();
        tokio::select! {
            () = interest.woken() => {}
            () = tokio::time::sleep_until(look) => {}
            () = closing.cancelled() => {}
        }
        drop(rest);
        // The client has an answer already; a server that is away for a moment does not take it back.
        let Some(turn) = closing.run_until_cancelled(events.turn()).await else { return Ok(last) };
        match queue.job(id).await {
            Ok(view) => (last, pause) = (view, LOOK_ANYWAY),
            Err(error) => {
                pause = LOOK_AGAIN;
                tracing::debug!(job = %id, %error, "job {id} could not be read while a client waits for it");
            }
        }
        drop(turn);
    }
}
