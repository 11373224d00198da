//! One connection: the TLS handshake when there is one, then HTTP/1.1 until it ends or is given up.

use crate::{
    app::App,
    front::{self, Arrival},
    places::Place,
    stages::{Watch, Watched},
};
use axum::Router;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::GracefulConnection};
use std::{
    future::{Future as _, poll_fn},
    net::IpAddr,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, sleep_until},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Largest head that is read. `front.rs` answers what is much too large below that; more ends the connection with a bare 431.
const LARGEST_HEAD: usize = 64 << 10;

/// What a connection is served with.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
    pub(crate) peer: IpAddr,
    pub(crate) watch: Arc<Watch>,
    pub(crate) place: Place,
    /// Cancelled when no further request is to be read from it.
    pub(crate) last_call: CancellationToken,
}

impl Connection {
    /// Serves it to its end.
    pub(crate) async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Answers are small and written whole: waiting to fill a packet only delays them.
        drop(stream.set_nodelay(true));
        let Some(tls) = tls else { return self.speak(stream, false).await };
        let gone = self.watch.gone.clone();
        let until = self.watch.deadline().unwrap_or_else(Instant::now);
        let handshake = tokio::select! {
            shaken = tls.accept(stream) => shaken.map_err(|why| why.to_string()),
            () = sleep_until(until) => Err("it took too long".to_owned()),
            () = gone.cancelled() => Err("its place was needed, or the server ends".to_owned()),
            () = self.last_call.cancelled() => Err("the server ends".to_owned()),
        };
        match handshake {
            Ok(stream) => self.speak(Box::new(stream), true).await,
            Err(why) => tracing::debug!(client = %self.peer, why, "a TLS handshake with {} failed: {why}", self.peer),
        }
    }

    async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S, tls: bool) {
        let Self { app, router, peer, watch, place, last_call } = self;
        let lobby = place.is_lobby();
        let requests = Arc::clone(&watch);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let (app, router) = (Arc::clone(&app), router.clone());
            let arrival = Arrival { peer, tls, lobby, busy: Some(requests.begin()) };
            async move { front::answer(&app, router, request, arrival).await }
        });
        let io = TokioIo::new(Watched { stream, watch: Arc::clone(&watch) });
        let serving = http1::Builder::new()
            .header_read_timeout(None::<Duration>)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(io, service);
        if let Err(why) = drive(serving, &watch, &last_call).await {
            tracing::debug!(client = %peer, why, "a connection with {peer} ended badly: {why}");
        }
        drop(place);
    }
}

/// Runs a connection until it ends, or is to end.
async fn drive<C>(serving: C, watch: &Watch, last_call: &CancellationToken) -> Result<(), String>
where
    C: GracefulConnection<Error: std::fmt::Display>,
{
    let mut serving = pin!(serving);
    let mut called = pin!(last_call.cancelled());
    let mut gone = pin!(watch.gone.cancelled());
    let mut alarm = pin!(sleep_until(Instant::now()));
    let mut armed = None;
    let mut told = false;
    poll_fn(|context| {
        if let Poll::Ready(done) = serving.as_mut().poll(context) {
            return Poll::Ready(done.map_err(|why| why.to_string()));
        }
        if gone.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err("its place was needed, or the server ends".to_owned()));
        }
        if !told && called.as_mut().poll(context).is_ready() {
            told = true;
            if watch.is_untouched() {
                return Poll::Ready(Ok(()));
            }
            serving.as_mut().graceful_shutdown();
            if let Poll::Ready(done) = serving.as_mut().poll(context) {
                return Poll::Ready(done.map_err(|why| why.to_string()));
            }
        }
        // What was polled above may have changed what the connection is waited for.
        if let Some(deadline) = watch.deadline() {
            if armed != Some(deadline) {
                armed = Some(deadline);
                alarm.as_mut().reset(deadline);
            }
            if alarm.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err("its client was too slow".to_owned()));
            }
        }
        Poll::Pending
    })
    .await
}
