//! Listening, connections, and the end of both.
//!
//! Shutdown, in this order: no further connection is accepted; whoever waits for a job is answered at once; requests under
//! way are finished; after five seconds what is left is cut off.

use crate::{
    ApiSettings,
    app::{App, router},
    files, fleet, front, upkeep,
};
use axum::Router;
use dayfly_common::queue::{Queue, QueueError};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use std::{future::Future, io, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A client has this long for a request's head; an idle connection is closed after it, too.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long requests under way may take after the shutdown began.
const LAST_WORD: Duration = Duration::from_secs(5);
/// Pause after a failed accept: most often too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why an API cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener failed.
    #[error("{0}")]
    Listener(#[from] io::Error),
    /// The server in the middle keeps less than it must.
    #[error("{0}")]
    Unfit(QueueError),
}

/// Serves until `shutdown` resolves, then finishes requests under way (at most 5 s).
///
/// # Errors
/// See [`ServeError`].
pub async fn serve(
    settings: ApiSettings,
    queue: Queue,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    files::raise_limit();
    let app = App::new(settings, queue, listener.local_addr()?.ip());
    let router = router(Arc::clone(&app));
    let background = TaskTracker::new();
    background.spawn(app.events.clone().run(app.queue.clone(), app.closing.clone()));
    background.spawn(fleet::run(Arc::clone(&app)));
    background.close();
    let upkeep = upkeep::run(Arc::clone(&app));

    let graceful = GracefulShutdown::new();
    let cut_off = CancellationToken::new();
    tokio::pin!(shutdown, upkeep);
    let mut served = Ok(());
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            unfit = &mut upkeep => {
                served = Err(ServeError::Unfit(unfit));
                break;
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    if !is_the_clients(&error) {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                    continue;
                }
            },
        };
        let connection = connection(Arc::clone(&app), router.clone(), stream, &graceful);
        tokio::spawn(cut_off.clone().run_until_cancelled_owned(connection));
    }

    drop(listener);
    app.closing.cancel();
    if tokio::time::timeout(LAST_WORD, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were not done in time and are cut off");
        cut_off.cancel();
    }
    background.wait().await;
    served
}

/// Serves one connection.
fn connection(
    app: Arc<App>,
    router: Router,
    stream: TcpStream,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    // Answers are small and written whole: waiting to fill a packet only delays them.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (app, router) = (Arc::clone(&app), router.clone());
        async move { front::answer(&app, router, request).await }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .serve_connection(TokioIo::new(stream), service);
    let serving = graceful.watch(serving);
    async move {
        if let Err(error) = serving.await {
            tracing::debug!(%error, "a connection ended badly");
        }
    }
}

/// Faults of one connection, not of the listener.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
