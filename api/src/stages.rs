//! What one connection is doing, and by when it must have gone on.
//!
//! ```text
//!   Head -- its request is whole --> busy -- all answers are written --> Idle -- a first byte --> Head
//!     within head_timeout              no bound of its own                within idle_timeout
//! ```
//!
//! A connection begins as Head: the TLS handshake counts. Whatever it does, a client that takes nothing of what is
//! written to it for [`STALL`] is given up.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// How long a client may leave what is written to it unread.
const STALL: Duration = Duration::from_secs(30);

/// The bounds of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) head: Duration,
    pub(crate) idle: Duration,
}

/// One connection, seen from outside.
#[derive(Debug)]
pub(crate) struct Watch {
    bounds: Bounds,
    seen: Mutex<Seen>,
    /// Cancelled when the connection is to end at once.
    pub(crate) gone: CancellationToken,
}

#[derive(Debug)]
struct Seen {
    /// Requests whose answers are not written yet.
    busy: usize,
    phase: Phase,
    /// When the phase began.
    since: Instant,
    /// Since when nothing that is written is taken.
    stalled: Option<Instant>,
    /// A byte has come.
    touched: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Idle,
}

impl Watch {
    pub(crate) fn new(bounds: Bounds, gone: CancellationToken) -> Arc<Self> {
        let seen = Seen { busy: 0, phase: Phase::Head, since: Instant::now(), stalled: None, touched: false };
        Arc::new(Self { bounds, seen: Mutex::new(seen), gone })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request's head is whole; the value ends with the request's answer.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.seen().busy += 1;
        Busy(Arc::clone(self))
    }

    fn received(&self) {
        let mut seen = self.seen();
        seen.touched = true;
        if seen.busy == 0 && seen.phase == Phase::Idle {
            seen.phase = Phase::Head;
            seen.since = Instant::now();
        }
    }

    fn wrote(&self, stalled: bool) {
        let mut seen = self.seen();
        seen.stalled = if stalled { seen.stalled.or_else(|| Some(Instant::now())) } else { None };
    }

    /// When the connection is to be given up as it stands.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let seen = self.seen();
        let stalled = seen.stalled.map(|since| since + STALL);
        let quiet = (seen.busy == 0).then(|| match seen.phase {
            Phase::Head => seen.since + self.bounds.head,
            Phase::Idle => seen.since + self.bounds.idle,
        });
        stalled.into_iter().chain(quiet).min()
    }

    /// Since when nobody waits for an answer on it, or for the rest of one; `None` when somebody does.
    pub(crate) fn quiet_since(&self) -> Option<Instant> {
        let seen = self.seen();
        (seen.busy == 0 && seen.stalled.is_none()).then_some(seen.since)
    }

    /// No byte ever came.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.seen().touched
    }
}

/// A request that is not answered yet.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Watch>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut seen = self.0.seen();
        seen.busy -= 1;
        if seen.busy == 0 {
            seen.phase = Phase::Idle;
            seen.since = Instant::now();
        }
    }
}

/// A stream whose bytes the watch sees pass.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    pub(crate) stream: S,
    pub(crate) watch: Arc<Watch>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if into.filled().len() > before {
            self.watch.received();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch.wrote(wrote.is_pending());
        wrote
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch.wrote(wrote.is_pending());
        wrote
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.watch.wrote(flushed.is_pending());
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch.wrote(shut.is_pending());
        shut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    const BOUNDS: Bounds = Bounds { head: Duration::from_secs(15), idle: Duration::from_secs(75) };

    /// Whether the deadline is this far from now, to the second.
    fn is_in(watch: &Watch, seconds: u64) -> bool {
        let left = watch.deadline().map(|deadline| deadline - Instant::now());
        left.is_some_and(|left| left.as_secs().abs_diff(seconds) <= 1)
    }

    #[tokio::test]
    async fn each_phase_has_its_bound() {
        let (mut client, stream) = duplex(64);
        let watch = Watch::new(BOUNDS, CancellationToken::new());
        let mut server = Watched { stream, watch: Arc::clone(&watch) };
        assert!(watch.is_untouched() && is_in(&watch, 15));
        let first = watch.deadline();
        let mut bytes = [0; 1];
        client.write_all(b"G").await.unwrap();
        server.read_exact(&mut bytes).await.unwrap();
        assert_eq!((watch.deadline(), watch.is_untouched()), (first, false), "a byte buys no time");
        let one = watch.begin();
        let other = watch.begin();
        drop(one);
        assert_eq!((watch.deadline(), watch.quiet_since()), (None, None));
        drop(other);
        assert!(is_in(&watch, 75) && watch.quiet_since().is_some());
        client.write_all(b"GE").await.unwrap();
        server.read_exact(&mut bytes).await.unwrap();
        let second = watch.deadline();
        assert!(is_in(&watch, 15));
        server.read_exact(&mut bytes).await.unwrap();
        assert_eq!(watch.deadline(), second);
    }

    #[tokio::test]
    async fn whoever_does_not_read_stalls() {
        let (mut client, stream) = duplex(4);
        let watch = Watch::new(BOUNDS, CancellationToken::new());
        let mut server = Watched { stream, watch: Arc::clone(&watch) };
        let busy = watch.begin();
        let mut writing = Box::pin(server.write_all(b"eight by"));
        assert!(futures_util::poll!(writing.as_mut()).is_pending());
        let stalled = watch.deadline();
        assert!(is_in(&watch, 30));
        drop(busy);
        assert!(futures_util::poll!(writing.as_mut()).is_pending());
        assert_eq!((watch.deadline(), watch.quiet_since()), (stalled, None), "the rest of an answer is awaited");
        client.read_exact(&mut [0; 4]).await.unwrap();
        writing.await.unwrap();
        assert!(is_in(&watch, 75));
    }
}
