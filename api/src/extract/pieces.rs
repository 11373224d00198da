//! A batch's body, piece by piece as it arrives, within a size; how slowly it may arrive, the connection says. It is never held whole.

use super::body::spill;
use crate::error::{Code, Problem};
use axum::{
    body::{Body, BodyDataStream, Bytes},
    http::{HeaderMap, HeaderValue, header},
};
use futures_util::StreamExt as _;

/// A batch may be this many times as large as a body of one job.
pub(crate) const BODIES_A_BATCH: u64 = 64;

/// The pieces still to come.
#[derive(Debug)]
pub(crate) struct Pieces {
    stream: BodyDataStream,
    headers: HeaderMap,
    seen: u64,
    limit: u64,
}

impl Pieces {
    /// `max_body` in bytes, of one job.
    pub(crate) fn new(headers: HeaderMap, body: Body, max_body: u64) -> Self {
        let limit = max_body.saturating_mul(BODIES_A_BATCH);
        let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        // What is announced to be too large is refused before anything of it is taken.
        let seen = announced.filter(|length| *length > limit).unwrap_or(0);
        Self { stream: body.into_data_stream(), headers, seen, limit }
    }

    /// The next piece; `None` at the end. May be dropped unfinished and called again.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        if self.seen > self.limit {
            return Err(self.too_large());
        }
        let bytes = match self.stream.next().await {
            None => return Ok(None),
            Some(Ok(bytes)) => bytes,
            Some(Err(why)) => return Err(Problem::hang_up(format!("the body broke off: {why}"))),
        };
        self.seen = self.seen.saturating_add(bytes.len() as u64);
        if self.seen > self.limit { Err(self.too_large()) } else { Ok(Some(bytes)) }
    }

    /// Reads some of what is still to come and throws it away, so that a client which sends first and reads later sees the
    /// answer.
    pub(crate) async fn spill(&mut self) {
        spill(&mut self.stream, &self.headers).await;
    }

    fn too_large(&self) -> Problem {
        let detail = format!(
            "The batch is larger than {} bytes, the most this server takes at once ({BODIES_A_BATCH} times `max_body` of \
             the section [api] of its configuration): send it in several.",
            self.limit
        );
        Problem::new(Code::TooLarge, detail).with_header(header::CONNECTION, HeaderValue::from_static("close"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(pieces: &'static [&'static str], length: Option<&'static str>) -> Pieces {
        let stream = futures_util::stream::iter(pieces.iter().map(|piece| Ok::<_, std::io::Error>(*piece)));
        let headers = length.map(|length| (header::CONTENT_LENGTH, HeaderValue::from_static(length)));
        Pieces::new(headers.into_iter().collect(), Body::from_stream(stream), 1)
    }

    #[tokio::test]
    async fn pieces_come_as_they_arrive_up_to_the_limit() {
        let mut all = pieces(&["one", "two"], None);
        assert_eq!(all.next().await.unwrap().unwrap(), "one");
        assert_eq!(all.next().await.unwrap().unwrap(), "two");
        assert!(all.next().await.unwrap().is_none());
        let filler = "0123456789012345678901234567890123456789012345678901234567890123";
        let mut all = pieces(&["0123456789012345678901234567890123456789012345678901234567890123", "4"], None);
        assert_eq!(all.next().await.unwrap().unwrap(), filler);
        let problem = all.next().await.unwrap_err();
        assert_eq!(problem.code(), Code::TooLarge);
        assert!(problem.detail().contains("64 bytes"), "{}", problem.detail());
    }

    #[tokio::test]
    async fn an_announced_excess_is_refused_before_anything_is_read() {
        assert_eq!(pieces(&["a"], Some("65")).next().await.unwrap_err().code(), Code::TooLarge);
        assert!(pieces(&["a"], Some("64")).next().await.is_ok());
    }
}
