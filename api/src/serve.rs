//! Listening, connections, and the end of both.
//!
//! Shutdown, in this order: whoever waits for a job is answered at once, and from now on every answer says
//! `Connection: close`; for half a second clients that keep a connection may send what they were about to; then nobody
//! is accepted any more and connections without a request are closed; requests under way are finished; after five seconds
//! what is left is cut off.

use crate::{
    ApiSettings,
    app::{App, router},
    connection::Connection,
    files, fleet,
    places::Places,
    stages::{Bounds, Watch},
    tls::Tls,
    upkeep,
};
use axum::Router;
use dayfly_common::queue::{Queue, QueueError};
use futures_util::FutureExt as _;
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long a shutdown waits for requests that are about to be sent on a connection that is kept.
const LAST_CALL: Duration = Duration::from_millis(500);
/// How long those may take to send a request who came in while the door was closed.
const LAST_GUESTS: Duration = Duration::from_millis(50);
/// How long requests under way may take after that.
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

/// Serves until `shutdown` resolves, then finishes requests under way (at most 5.5 s).
///
/// # Errors
/// See [`ServeError`].
pub async fn serve(
    settings: ApiSettings,
    queue: Queue,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let bounds = Bounds {
        head: Duration::from_millis(settings.listener.head_timeout_ms),
        idle: Duration::from_millis(settings.listener.idle_timeout_ms),
    };
    files::raise_limit();
    let places = Places::new(settings.listener.max_connections);
    let tls = settings.tls.clone();
    let app = App::new(settings, queue, listener.local_addr()?.ip());
    let background = TaskTracker::new();
    background.spawn(app.events.clone().run(app.queue.clone(), app.closing.clone()));
    if let Some(tls) = tls.clone() {
        let closing = app.closing.clone();
        background.spawn(async move { closing.run_until_cancelled(tls.follow_files()).await });
    }
    background.spawn(fleet::run(Arc::clone(&app)));
    background.close();

    let house = House {
        router: router(Arc::clone(&app)),
        app: Arc::clone(&app),
        tls,
        listener,
        places,
        bounds,
        connections: TaskTracker::new(),
        last_call: CancellationToken::new(),
        cut_off: CancellationToken::new(),
    };
    let upkeep = upkeep::run(Arc::clone(&app));
    tokio::pin!(shutdown, upkeep);
    let served = tokio::select! {
        () = &mut shutdown => Ok(()),
        unfit = &mut upkeep => Err(ServeError::Unfit(unfit)),
        never = house.accept() => match never {},
    };
    house.close().await;
    background.wait().await;
    served
}

/// The listener and those who came by it.
struct House {
    app: Arc<App>,
    router: Router,
    tls: Option<Arc<Tls>>,
    listener: TcpListener,
    places: Arc<Places>,
    bounds: Bounds,
    connections: TaskTracker,
    last_call: CancellationToken,
    cut_off: CancellationToken,
}

impl House {
    /// Takes in whoever comes. Cancel-safe.
    async fn accept(&self) -> std::convert::Infallible {
        loop {
            self.places.room().await;
            match self.listener.accept().await {
                Ok((stream, peer)) => self.welcome(stream, peer),
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn welcome(&self, stream: TcpStream, peer: SocketAddr) {
        let watch = Watch::new(self.bounds, self.cut_off.child_token());
        let connection = Connection {
            app: Arc::clone(&self.app),
            router: self.router.clone(),
            peer: peer.ip().to_canonical(),
            place: self.places.take(&watch),
            watch,
            last_call: self.last_call.clone(),
        };
        let tls = self.tls.as_ref().map(|tls| tls.acceptor());
        self.connections.spawn(connection.serve(stream, tls));
    }

    async fn close(self) {
        self.app.closing.cancel();
        if !self.places.are_free() {
            let places = Arc::clone(&self.places);
            tokio::select! {
                never = self.accept() => match never {},
                () = tokio::time::sleep(LAST_CALL) => {}
                () = places.empty() => {}
            }
        }
        // Those whom the system has let in already are not turned away by a closed door.
        let mut late = false;
        while let Some(Ok((stream, peer))) = self.listener.accept().now_or_never() {
            self.welcome(stream, peer);
            late = true;
        }
        drop(self.listener);
        if late {
            tokio::time::sleep(LAST_GUESTS).await;
        }
        self.last_call.cancel();
        self.connections.close();
        if tokio::time::timeout(LAST_WORD, self.connections.wait()).await.is_err() {
            tracing::warn!("some requests were not done in time and are cut off");
            self.cut_off.cancel();
        }
    }
}

/// Faults of one connection, not of the listener.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
