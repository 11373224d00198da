//! What is written down of each request once its answer is on its way: never a query, a header or a body.
//!
//! With `access_log` a line of level INFO under the target `dayfly::access`; without, one of level DEBUG for those who
//! look into this process.

use crate::stages::Busy;
use axum::{
    body::{Body, Bytes},
    http::{Method, Response, Uri},
};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::{
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

/// Longest path that is written, characters.
const LONGEST_PATH: usize = 256;

/// One request. Written when dropped.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) wanted: bool,
    pub(crate) begun: Instant,
    pub(crate) id: String,
    pub(crate) client: IpAddr,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    /// `None`: the connection was closed without an answer.
    pub(crate) status: Option<u16>,
    /// Of the body, as far as it was sent.
    pub(crate) bytes: u64,
    /// The connection's own count of what it still has to answer.
    pub(crate) busy: Option<Busy>,
}

impl Record {
    /// Follows the answer's body to its end.
    pub(crate) fn follow(mut self, response: Response<Body>) -> Response<Body> {
        self.status = Some(response.status().as_u16());
        response.map(|body| Body::new(Followed { body, record: self }))
    }

    /// What is written of the path.
    fn path(&self) -> String {
        self.uri.path().chars().take(LONGEST_PATH).collect()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        drop(self.busy.take());
        let Self { wanted, begun, id, client, method, uri: _, status, bytes, busy: _ } = &*self;
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (status, request_id) = (status.unwrap_or(0), id);
        // `tracing` wants each level and target written out.
        if *wanted {
            let path = self.path();
            tracing::info!(target: "dayfly::access", %client, %method, path, status, bytes, ms, request_id, "{method} {path} {status}");
        } else if tracing::enabled!(tracing::Level::DEBUG) {
            let path = self.path();
            tracing::debug!(request_id, %client, %method, path, status, bytes, ms, "answered {method} {path}");
        }
    }
}

/// A body on its way out.
#[derive(Debug)]
struct Followed {
    body: Body,
    record: Record,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            let length = frame.data_ref().map_or(0, Bytes::len);
            this.record.bytes += u64::try_from(length).unwrap_or(u64::MAX);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
