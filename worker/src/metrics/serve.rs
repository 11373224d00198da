//! `GET /metrics` of a worker, and nothing else: no token is asked for, so it belongs on loopback or a private network. What it
//! tells are numbers, and the names of tasks.

use super::Metrics;
use dayfly_common::metrics::{CONTENT_TYPE, Exposition};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Frame, Incoming},
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE as CONTENT_TYPE_HEADER, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet, time::timeout};
use tracing::warn;

/// Scrapers at a time; more wait.
const CONNECTIONS: usize = 16;
/// For a request's head, and between two requests.
const HEAD: Duration = Duration::from_secs(10);
/// Of a connection: a scraper comes again.
const LIFE: Duration = Duration::from_secs(300);
/// After a connection that could not be accepted: most often too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// A whole answer: small, so it is one piece.
struct Text(Option<bytes::Bytes>);

/// Answers until it is dropped, and then cuts its connections off.
pub(crate) async fn serve(listener: TcpListener, metrics: Arc<Metrics>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "a scraper's connection could not be accepted: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let metrics = Arc::clone(&metrics);
        connections.spawn(async move {
            let answer = service_fn(|request| {
                let response = answer(&metrics, &request);
                async { Ok::<_, Infallible>(response) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(HEAD);
            drop(timeout(LIFE, server.serve_connection(TokioIo::new(stream), answer)).await);
            drop(place);
        });
    }
}

fn answer(metrics: &Metrics, request: &Request<Incoming>) -> Response<Text> {
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "A worker answers GET /metrics only.\n".to_owned());
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "GET is what /metrics takes.\n".to_owned());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match metrics.told.text(&Exposition::default()) {
        Ok(text) => plain(StatusCode::OK, text),
        Err(error) => {
            warn!(%error, "the metrics could not be written: {error}");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "A fault of this worker; its log has it.\n".to_owned())
        }
    }
}

fn plain(status: StatusCode, text: String) -> Response<Text> {
    let mut response = Response::new(Text(Some(text.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE_HEADER, HeaderValue::from_static(CONTENT_TYPE));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Body for Text {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|text| Ok(Frame::data(text))))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        hyper::body::SizeHint::with_exact(self.0.as_ref().map_or(0, |text| text.len() as u64))
    }
}
