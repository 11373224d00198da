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

    /// When to give up, counted from `last`, when the last piece came.
    fn bound(&self, last: Instant) -> (Instant, TooSlow) {
        let silent = last + SILENCE;
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
            let (until, why) = this.bound(Instant::now());
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
    use crate::load::Load;
    use axum::body::Body as AnyBody;
    use futures_util::stream;

    #[test]
    fn a_steady_stream_has_as_long_as_it_lasts_and_a_trickle_30_seconds() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        for (last, received, until, why) in [
            (0, 0, 10, TooSlow::Silent),
            (25, 100, 30, TooSlow::Trickles),
            (60, 60 * SLOWEST_RATE, 70, TooSlow::Silent),
            (60, 35 * SLOWEST_RATE, 65, TooSlow::Trickles),
        ] {
            let (last, until) = (at(last), at(until));
            let mut one = Arriving::new((), None);
            (one.begun, one.received) = (begun, received);
            assert_eq!(one.bound(last), (until, why));
        }
    }

    #[tokio::test]
    async fn a_request_rests_while_its_body_is_awaited() {
        let load = Load::new(1);
        let ticket = load.enter().unwrap();
        let mut body = Arriving::new(AnyBody::from_stream(stream::pending::<Result<Bytes, BoxError>>()), Some(ticket));
        assert!(load.enter().is_err());
        assert!(
            futures_util::poll!(std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context))).is_pending()
        );
        assert!(load.enter().is_ok());
        body.rest(false);
        assert!(load.enter().is_err());
    }
}
