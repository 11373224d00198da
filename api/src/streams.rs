//! Streams without an end of their own, events and followed logs: how many there may be, and the form of events.
//!
//! A stream holds a connection and some memory for as long as its client likes. So they are counted, and the count is
//! bounded: requests that want an answer must find room beside them.

use crate::error::{Code, Problem};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Response, header},
};
use futures_util::Stream;
use std::{
    convert::Infallible,
    fmt::{Display, Write as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Most streams of one process, where its limit of open files allows twice as many. With some 30 kB each and as many for what
/// the kernel keeps of a connection, they take at most a few hundred MB.
const MOST: usize = 5_000;
/// When a client that found no room may come again.
const COME_AGAIN_S: u16 = 5;
/// A stream says something this often, so that neither proxies nor clients take it for dead.
pub(crate) const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// The room for streams.
#[derive(Debug)]
pub(crate) struct Streams {
    room: Arc<Semaphore>,
    most: usize,
    opened: AtomicU64,
}

/// A stream's place in the count; given up when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    number: u64,
}

impl Streams {
    /// For a process that may have `files` files open: half of them are left to other requests and to Redis.
    pub(crate) fn new(files: u64) -> Self {
        let most = usize::try_from(files / 2).unwrap_or(MOST).clamp(1, MOST);
        Self { room: Arc::new(Semaphore::new(most)), most, opened: AtomicU64::new(0) }
    }

    /// A place for one more.
    ///
    /// # Errors
    /// There is none, or the server is shutting down.
    pub(crate) fn place(&self, closing: &CancellationToken) -> Result<Place, Problem> {
        if closing.is_cancelled() {
            return Err(Problem::new(Code::Draining, "This server is shutting down: use another.").retry_after(1));
        }
        let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
            return Err(Problem::new(
                Code::TooManyStreams,
                format!(
                    "This server has {} streams open and takes no more. Please try again later, close what is not read, or \
                     ask for the job itself with `Prefer: wait=60`.",
                    self.most
                ),
            )
            .retry_after(COME_AGAIN_S));
        };
        Ok(Place { _permit: permit, number: self.opened.fetch_add(1, Ordering::Relaxed) })
    }
}

impl Place {
    /// When the client may come again after the stream broke, ms: spread over two seconds, for after a restart all come.
    pub(crate) fn retry_ms(&self) -> u64 {
        1_000 + self.number % 20 * 100
    }
}

/// Some server-sent events (WHATWG HTML, 9.2.6) on their way out.
#[derive(Debug, Default)]
pub(crate) struct Frames(String);

impl Frames {
    /// An event; `data` is JSON, or any text.
    pub(crate) fn event(&mut self, name: &str, id: impl Display, data: &str) {
        let _infallible = write!(self.0, "event: {name}\nid: {id}\n");
        for line in data.split(['\n', '\r']) {
            self.0.push_str("data: ");
            self.0.push_str(line);
            self.0.push('\n');
        }
        self.0.push('\n');
    }

    /// A line that clients pass over.
    pub(crate) fn comment(&mut self, text: &str) {
        let _infallible = writeln!(self.0, ": {text}\n");
    }

    /// Sets where the client resumes, without an event.
    pub(crate) fn place(&mut self, id: impl Display) {
        let _infallible = writeln!(self.0, "id: {id}\n");
    }

    /// Tells the client how long to wait before it comes again.
    pub(crate) fn retry(&mut self, ms: u64) {
        let _infallible = writeln!(self.0, "retry: {ms}\n");
    }

    /// Adds finished frames.
    pub(crate) fn append(&mut self, frames: &str) {
        self.0.push_str(frames);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

impl From<Frames> for Bytes {
    fn from(frames: Frames) -> Self {
        frames.0.into()
    }
}

/// An answer of events. Nothing on the way may keep or collect them (`X-Accel-Buffering` is nginx's word for that).
pub(crate) fn events_response(frames: impl Stream<Item = Bytes> + Send + 'static) -> Response<Body> {
    use futures_util::StreamExt as _;
    let mut response = Response::new(Body::from_stream(frames.map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// Where the client was, when it was there before. The header wins: a browser that comes again sends it beside the query of
/// its first request.
pub(crate) fn last_event_id(headers: &HeaderMap, asked: Option<&str>) -> Option<String> {
    let header = headers.get("last-event-id").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    header.or_else(|| asked.map(str::to_owned)).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_and_given_back() {
        let (streams, open) = (Streams::new(5), CancellationToken::new());
        let (one, two) = (streams.place(&open).unwrap(), streams.place(&open).unwrap());
        assert_ne!(one.retry_ms(), two.retry_ms());
        let refused = streams.place(&open).unwrap_err();
        assert_eq!(
            (refused.code(), refused.render("r").headers()["retry-after"].as_bytes()),
            (Code::TooManyStreams, &b"5"[..])
        );
        assert!(refused.detail().contains("2 streams"), "{}", refused.detail());
        drop(one);
        let _three = streams.place(&open).unwrap();
        open.cancel();
        drop(two);
        assert_eq!(streams.place(&open).unwrap_err().code(), Code::Draining);
        assert_eq!(Streams::new(u64::MAX).most, MOST);
    }

    #[test]
    fn frames_are_as_the_standard_says() {
        let mut frames = Frames::default();
        frames.retry(1_500);
        frames.event("log", "7-0", "one\ntwo");
        frames.comment("still here");
        frames.place("8-0");
        let text = frames.into_text();
        assert_eq!(text, "retry: 1500\n\nevent: log\nid: 7-0\ndata: one\ndata: two\n\n: still here\n\nid: 8-0\n\n");
    }

    #[test]
    fn the_header_wins_over_the_query() {
        let with =
            |id: &'static str| HeaderMap::from_iter([("last-event-id".parse().unwrap(), HeaderValue::from_static(id))]);
        assert_eq!(last_event_id(&with("7-0"), Some("1-0")).as_deref(), Some("7-0"));
        assert_eq!(last_event_id(&HeaderMap::new(), Some("1-0")).as_deref(), Some("1-0"));
        assert_eq!(last_event_id(&HeaderMap::new(), Some("")), None);
        assert_eq!(last_event_id(&HeaderMap::new(), None), None);
    }
}
