//! A client of server-sent events that reads as the standard says (WHATWG HTML, 9.2.6), with a bound on every wait.

use futures_util::{Stream, StreamExt as _};
use reqwest::{RequestBuilder, header::HeaderMap};
use serde_json::Value;
use std::{fmt, pin::Pin, time::Duration};

/// Longest wait for an event.
const LONG: Duration = Duration::from_secs(20);

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct SseEvent {
    /// Its name.
    pub name: String,
    /// The last id when it came.
    pub id: String,
    /// Its data.
    pub data: Value,
}

/// An open stream.
pub struct Sse {
    pieces: Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>> + Send>>,
    unread: Vec<u8>,
    /// The headers of the answer.
    pub headers: HeaderMap,
    /// What `retry:` said, ms.
    pub retry: Option<u64>,
    /// The comments so far.
    pub comments: Vec<String>,
    /// What the client would come again with.
    pub last_id: String,
}

impl fmt::Debug for Sse {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sse").field("last_id", &self.last_id).finish_non_exhaustive()
    }
}

impl Sse {
    /// Opens one.
    ///
    /// # Panics
    /// When the answer is not a stream of events.
    pub async fn open(request: RequestBuilder) -> Self {
        let answer = request.header("accept", "text/event-stream").send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        if status != 200 {
            panic!("{status}: {}", answer.text().await.unwrap_or_default());
        }
        assert_eq!(headers["content-type"], "text/event-stream");
        let pieces = answer.bytes_stream().map(|piece| piece.map(|bytes| bytes.to_vec()));
        let (unread, comments, last_id) = (Vec::new(), Vec::new(), String::new());
        Self { pieces: Box::pin(pieces), unread, headers, retry: None, comments, last_id }
    }

    /// The next event; `None` at the stream's clean end.
    ///
    /// # Panics
    /// When nothing comes within 20 s, or the stream breaks.
    pub async fn next(&mut self) -> Option<SseEvent> {
        tokio::time::timeout(LONG, self.read()).await.expect("an event in time").expect("a whole stream")
    }

    /// As [`Sse::next`], for a stream that goes on.
    ///
    /// # Panics
    /// Also when it ends.
    pub async fn event(&mut self) -> SseEvent {
        self.next().await.expect("an event, not the end")
    }

    /// The next event of this name, and those before it.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn until(&mut self, name: &str) -> Vec<SseEvent> {
        let mut seen = Vec::new();
        loop {
            seen.push(self.event().await);
            if seen.last().is_some_and(|event| event.name == name) {
                return seen;
            }
        }
    }

    /// All events to the end.
    ///
    /// # Panics
    /// When the end does not come.
    pub async fn rest(&mut self) -> Vec<SseEvent> {
        let mut seen = Vec::new();
        while let Some(event) = self.next().await {
            seen.push(event);
        }
        seen
    }

    /// Reads on until so many comments have come.
    ///
    /// # Panics
    /// When they do not come, or an event does.
    pub async fn comment(&mut self, count: usize) {
        let reading = async {
            while self.comments.len() < count {
                assert!(self.frame().is_none(), "an event instead of a comment");
                if self.comments.len() < count {
                    let piece = self.pieces.next().await.expect("no end").expect("a piece");
                    self.unread.extend(piece);
                }
            }
        };
        tokio::time::timeout(LONG, reading).await.expect("a comment in time");
    }

    async fn read(&mut self) -> reqwest::Result<Option<SseEvent>> {
        loop {
            if let Some(event) = self.frame() {
                return Ok(Some(event));
            }
            match self.pieces.next().await {
                Some(piece) => self.unread.extend(piece?),
                None => {
                    assert!(self.unread.is_empty(), "cut off: {}", String::from_utf8_lossy(&self.unread));
                    return Ok(None);
                }
            }
        }
    }

    /// The next event among what has come.
    fn frame(&mut self) -> Option<SseEvent> {
        while let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
            let frame: Vec<u8> = self.unread.drain(..end + 2).collect();
            let text = String::from_utf8(frame).expect("UTF-8");
            let (mut name, mut data) = ("message".to_owned(), None::<String>);
            for line in text.lines() {
                let (field, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.strip_prefix(' ').unwrap_or(value);
                match field {
                    "" if !line.is_empty() => self.comments.push(value.to_owned()),
                    "event" => value.clone_into(&mut name),
                    "id" => value.clone_into(&mut self.last_id),
                    "retry" => self.retry = Some(value.parse().expect("a number")),
                    "data" => data = Some(data.map_or_else(String::new, |data| data + "\n") + value),
                    "" => {}
                    other => panic!("no field of events: {other}"),
                }
            }
            if let Some(data) = data {
                let data = serde_json::from_str(&data).unwrap_or_else(|why| panic!("{why}: {data}"));
                return Some(SseEvent { name, id: self.last_id.clone(), data });
            }
        }
        None
    }
}
