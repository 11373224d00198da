//! A request's body on its way in: it must keep coming, at no less than a modest rate, or the connection is given up.

use crate::load::Ticket;
use axum::{BoxError, body::Bytes};
use hyper::body::{Body, Frame, SizeHint};
use std::{
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// Longest silence between two pieces.
const SILENCE: Duration = Duration::from_secs(10);
/// Time for a small body; what has come already buys more, at `SLOWEST_RATE`.
const LEAST_TIME: Duration = Duration::from_secs(30);
/// Bytes a second that a slow but honest client manages.
const SLOWEST_RATE: u64 = 64 << 10;

/// Why a body is not read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooSlow {
    #[error("nothing of it came for 10 s")]
    Silent,
    #[error("it comes too slowly")]
    Trickles,
}

/// The body with its clock.
#[derive(Debug)]
pub(crate) struct Arriving<B> {
    body: B,
    ticket: Option<Arc<Ticket>>,
    begun: Instant,
    received: u64,
    clock: Option<(Pin<Box<Sleep>>, TooSlow)>,
}

impl<B> Arriving<B> {
    /// While the body is waited for, the request of `ticket` rests.
    pub(crate) fn new(body: B, ticket: Option<Arc<Ticket>>) -> Self {
        Self { body, ticket, begun: Instant::now(), received: 0, clock: None }
    }

    /// When to give up, counted from now, the last piece.
    fn bound(&self) -> (Instant, TooSlow) {
        let silent = Instant::now() + SILENCE;
        let trickles = self.begun + LEAST_TIME + Duration::from_secs(self.received / SLOWEST_RATE);
        if silent <= trickles { (silent, TooSlow::Silent) } else { (trickles, TooSlow::Trickles) }
    }

    fn rest(&self, rests: bool) {
        if let Some(ticket) = &self.ticket {
            ticket.rest(rests);
        }
    }
}

impl<B> Body for Arriving<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.rest(false);
            this.clock = None;
            let length = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
            this.received += u64::try_from(length).unwrap_or(u64::MAX);
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        if this.clock.is_none() {
            let (until, why) = this.bound();
            this.clock = Some((Box::pin(sleep_until(until)), why));
        }
        let over = this.clock.as_mut().is_some_and(|(clock, _)| clock.as_mut().poll(context).is_ready());
        if over && let Some((_, why)) = this.clock.take() {
            this.rest(false);
            return Poll::Ready(Some(Err(why.into())));
        }
        this.rest(true);
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Arriving<B> {
    fn drop(&mut self) {
        self.rest(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body as AnyBody;
    use futures_util::{StreamExt as _, stream};

    /// A body of pieces, one after each pause.
    fn pieces(pause: Duration, size: usize) -> AnyBody {
        let pieces = stream::repeat(()).then(move |()| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, BoxError>(vec![b'x'; size])
        });
        AnyBody::from_stream(pieces.boxed())
    }

    /// How long it is read for, and why no longer.
    async fn read(body: AnyBody, most: Duration) -> (Duration, Option<String>) {
        let begun = Instant::now();
        let mut stream = AnyBody::new(Arriving::new(body, None)).into_data_stream();
        let why = async {
            while let Some(piece) = stream.next().await {
                if let Err(why) = piece {
                    return why.to_string();
                }
            }
            "it ended".to_owned()
        };
        let why = tokio::time::timeout(most, why).await.ok();
        (begun.elapsed(), why)
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_heard_for_10_seconds() {
        let (after, why) = read(pieces(Duration::from_secs(11), 1), Duration::from_secs(60)).await;
        assert_eq!((after.as_secs(), why), (10, Some(TooSlow::Silent.to_string())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_heard_for_30_seconds_and_a_steady_stream_for_as_long_as_it_lasts() {
        let (after, why) = read(pieces(Duration::from_secs(4), 1), Duration::from_secs(60)).await;
        assert_eq!((after.as_secs(), why), (30, Some(TooSlow::Trickles.to_string())));
        let (_, why) = read(pieces(Duration::from_secs(1), 64 << 10), Duration::from_secs(600)).await;
        assert_eq!(why, None);
    }
}
