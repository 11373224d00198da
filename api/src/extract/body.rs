//! A request's body, whole, within a size. (`arriving.rs` holds it to a time.)

use crate::error::{Code, Problem};
use axum::{
    body::{Body, BodyDataStream, Bytes},
    http::{HeaderMap, HeaderValue, header},
};
use futures_util::StreamExt as _;
use std::time::Duration;

/// How much of a body that is too large is read and thrown away, so that a client which sends first and reads later sees
/// the answer and not a reset connection.
const SPILL: u64 = 8 << 20;
const SPILL_TIME: Duration = Duration::from_secs(3);

/// Reads the body. `limit` in bytes.
pub(crate) async fn read_body(headers: &HeaderMap, body: Body, limit: u64) -> Result<Bytes, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut stream = body.into_data_stream();
    if announced.is_some_and(|length| length > limit) {
        spill(&mut stream, headers).await;
        return Err(too_large(limit));
    }
    if let Some(bytes) = collect(&mut stream, limit).await? {
        return Ok(bytes);
    }
    spill(&mut stream, headers).await;
    Err(too_large(limit))
}

/// The bytes; `None` when there are more than `limit`.
async fn collect(stream: &mut BodyDataStream, limit: u64) -> Result<Option<Bytes>, Problem> {
    let Some(first) = piece(stream).await? else { return Ok(Some(Bytes::new())) };
    let fits = |length: usize| u64::try_from(length).is_ok_and(|length| length <= limit);
    if !fits(first.len()) {
        return Ok(None);
    }
    // Nearly every body is one piece: it is passed on without a copy.
    let Some(second) = piece(stream).await? else { return Ok(Some(first)) };
    let mut all = Vec::with_capacity(first.len() + second.len());
    all.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(bytes) = next {
        if !fits(all.len() + bytes.len()) {
            return Ok(None);
        }
        all.extend_from_slice(&bytes);
        next = piece(stream).await?;
    }
    Ok(Some(all.into()))
}

async fn piece(stream: &mut BodyDataStream) -> Result<Option<Bytes>, Problem> {
    let piece = stream.next().await.transpose();
    piece.map_err(|why| Problem::hang_up(format!("the body broke off: {why}")))
}

pub(super) async fn spill(stream: &mut BodyDataStream, headers: &HeaderMap) {
    // A client that waits for `100 Continue` has sent nothing and gets its answer at once.
    if headers.get(header::EXPECT) == Some(&HeaderValue::from_static("100-continue")) {
        return;
    }
    let read = async {
        let mut left = SPILL;
        while let Some(Ok(bytes)) = stream.next().await
            && left > 0
        {
            left = left.saturating_sub(bytes.len() as u64);
        }
    };
    drop(tokio::time::timeout(SPILL_TIME, read).await);
}

/// An input, or a whole body, of more than `limit` bytes.
pub(crate) fn too_large(limit: u64) -> Problem {
    let detail = format!(
        "The body is larger than {limit} bytes, the most this server takes (`max_body` in the section [api] of its \
         configuration). Send less, or a reference to where the data lies."
    );
    Problem::new(Code::TooLarge, detail).with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(body: Body, limit: u64) -> Result<Bytes, Problem> {
        read_body(&HeaderMap::new(), body, limit).await
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_read_whole() {
        assert_eq!(read(Body::empty(), 4).await.unwrap(), "");
        assert_eq!(read(Body::from("four"), 4).await.unwrap(), "four");
        let pieces = futures_util::stream::iter(["t", "w", "o"].map(Ok::<_, std::io::Error>));
        assert_eq!(read(Body::from_stream(pieces), 4).await.unwrap(), "two");
    }

    #[tokio::test]
    async fn one_byte_more_is_too_large_and_the_limit_is_said() {
        let pieces = futures_util::stream::iter(["tw", "o,", "!"].map(Ok::<_, std::io::Error>));
        for body in [Body::from("fives"), Body::from_stream(pieces)] {
            let problem = read(body, 4).await.unwrap_err();
            assert_eq!(problem.code(), Code::TooLarge);
            assert!(problem.detail().contains("4 bytes"), "{}", problem.detail());
        }
    }

    #[tokio::test]
    async fn a_broken_body_is_not_answered() {
        let pieces = futures_util::stream::iter([Ok("a"), Err(std::io::Error::other("reset"))]);
        assert!(read(Body::from_stream(pieces), 4).await.unwrap_err().hangs_up());
    }
}
