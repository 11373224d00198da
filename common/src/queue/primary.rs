//! The one server that takes the queue's writes: who it is now, and connections to it.
//!
//! With one server that is all there is. With sentinels or a cluster the primary changes. It is looked for before the
//! first connection, and again whenever there is a **doubt**: a connection broke, an answer did not come, a server said that
//! it is a replica or that the slot is elsewhere, or a sentinel told of a failover. Until the doubt is settled no connection
//! is given out, and each new one is checked before its first use.
//!
//! Every primary has a *term* (`term.rs`). A connection knows its term, and is of no use once another has begun.

use super::{
    QueueError, cluster, sentinel,
    servers::{Sentinels, Servers},
    term::{Standing, Target, Tenure},
};
use crate::keys::Keys;
use futures_util::FutureExt as _;
use redis::{AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, RedisConnectionInfo, aio::MultiplexedConnection};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    sync::{Mutex, watch},
    task::AbortHandle,
    time::{Instant, sleep_until, timeout},
};

/// From the end of one search to the beginning of the next.
const SPACING: Duration = Duration::from_millis(50);
/// Most connections tried because one node of a cluster names the next.
const HOPS: usize = 4;

/// Finds the primary and connects to it.
pub(super) struct Primary {
    kind: Kind,
    /// A key of the slot that holds everything; there is never anything under it.
    key: String,
    deadline: Duration,
    standing: watch::Sender<Standing>,
    search: Mutex<Search>,
    ears: OnceLock<AbortHandle>,
}

enum Kind {
    One,
    Sentinels(Sentinels),
    Cluster(cluster::Nodes),
}

/// The last search.
#[derive(Default)]
struct Search {
    ended: Option<Instant>,
    failed: Option<QueueError>,
    /// Since when sentinels have said that a failover is under way.
    held: Option<Instant>,
}

impl Primary {
    pub(super) fn new(servers: Servers, keys: &Keys, deadline: Duration) -> Result<Arc<Self>, QueueError> {
        let mut standing = Standing::default();
        let kind = match servers {
            Servers::One(info) => {
                standing.target = Some(Target::new(*info, 1)?);
                Kind::One
            }
            Servers::Sentinels(set) => Kind::Sentinels(set),
            Servers::Cluster(seeds) => Kind::Cluster(cluster::Nodes::new(seeds, keys.base())),
        };
        let (standing, search, ears) = (watch::Sender::new(standing), Mutex::default(), OnceLock::new());
        Ok(Arc::new(Self { kind, key: keys.base().to_owned(), deadline, standing, search, ears }))
    }

    /// Whether there may be another primary tomorrow.
    pub(super) fn may_move(&self) -> bool {
        match self.kind {
            Kind::One => false,
            Kind::Sentinels(_) | Kind::Cluster(_) => true,
        }
    }

    /// The sentinels that name it, where they do.
    pub(super) fn sentinels(&self) -> Option<&Sentinels> {
        match &self.kind {
            Kind::Sentinels(set) => Some(set),
            Kind::One | Kind::Cluster(_) => None,
        }
    }

    /// Something speaks against the primary of this term: it is looked for again before the next use.
    pub(super) fn doubt(&self, term: u64) {
        self.standing.send_if_modified(|standing| {
            if self.may_move() && standing.target.as_ref().is_some_and(|target| target.term == term) {
                standing.doubts += 1;
            }
            // Nobody waits for doubts.
            false
        });
    }

    /// The same, whatever the term is.
    pub(super) fn doubt_current(&self) {
        self.standing.send_if_modified(|standing| {
            standing.doubts += 1;
            false
        });
    }

    /// A server said that the primary is at `host`; an empty name means the server's own.
    pub(super) fn follow(&self, term: u64, host: String, port: u16) {
        let Kind::Cluster(nodes) = &self.kind else { return };
        self.standing.send_if_modified(|standing| {
            let Some(target) = standing.target.as_ref().filter(|target| target.term == term) else { return false };
            let host = match &target.address {
                ConnectionAddr::Tcp(own, _) if host.is_empty() => own.clone(),
                _ => host,
            };
            let address = ConnectionAddr::Tcp(host, port);
            let Ok(next) = Target::new(nodes.reach(address), standing.next_term()) else { return false };
            standing.settled = standing.doubts;
            standing.take(next)
        });
    }

    /// Whether a connection of this term may be used: settles a doubt first.
    pub(super) async fn stands(self: &Arc<Self>, term: u64) -> bool {
        if self.standing.borrow().trusts(term) {
            return true;
        }
        self.target().await.is_ok_and(|target| target.term == term)
    }

    /// A new connection, checked, with its term.
    pub(super) async fn connect(
        self: &Arc<Self>,
        config: &AsyncConnectionConfig,
    ) -> Result<(MultiplexedConnection, u64), QueueError> {
        let mut hops = 0;
        loop {
            let target = self.target().await?;
            let trial = Trial { primary: self, term: target.term, passed: false };
            let opened = timeout(self.deadline, self.open(&target, config)).await;
            let error = match opened.map_err(|_| no_connection(self.deadline))? {
                Ok(connection) => return Ok((connection, trial.pass())),
                Err(error) => error,
            };
            hops += 1;
            match cluster::moved_to(error.code().unwrap_or_default(), error.detail()) {
                Some((host, port)) if hops < HOPS => self.follow(trial.pass(), host, port),
                Some(_) | None => return Err(error.into()),
            }
        }
    }

    /// A connection for subscriptions, with its term.
    pub(super) async fn subscriber(self: &Arc<Self>) -> Result<(redis::aio::PubSub, u64), QueueError> {
        let target = self.target().await?;
        let trial = Trial { primary: self, term: target.term, passed: false };
        let opened = timeout(self.deadline, target.client.get_async_pubsub()).await;
        let subscriber = opened.map_err(|_| no_connection(self.deadline))??;
        Ok((subscriber, trial.pass()))
    }

    /// To be asked as long as a connection of `term` is used.
    pub(super) fn tenure(&self, term: u64) -> Tenure {
        Tenure::new(self.standing.subscribe(), term)
    }

    async fn open(&self, target: &Target, config: &AsyncConnectionConfig) -> redis::RedisResult<MultiplexedConnection> {
        let mut connection = target.client.get_multiplexed_async_connection_with_config(config).await?;
        match self.kind {
            Kind::One => {}
            Kind::Sentinels(_) => sentinel::check(&mut connection).await?,
            Kind::Cluster(_) => cluster::check(&mut connection, &self.key).await?,
        }
        Ok(connection)
    }

    /// The primary; looked for when it is not known or in doubt.
    async fn target(self: &Arc<Self>) -> Result<Target, QueueError> {
        let trusted = self.standing.borrow().trusted();
        match trusted {
            Some(target) => Ok(target),
            None => self.look_for_it().boxed().await,
        }
    }

    /// One search serves all who ask meanwhile.
    async fn look_for_it(self: &Arc<Self>) -> Result<Target, QueueError> {
        self.listen();
        let asked = Instant::now();
        let mut search = self.search.lock().await;
        let trusted = self.standing.borrow().trusted();
        if let Some(target) = trusted {
            return Ok(target);
        }
        if let Some(ended) = search.ended {
            if let Some(error) = search.failed.as_ref().filter(|_| ended > asked) {
                return Err(error.clone());
            }
            sleep_until(ended + SPACING).await;
        }
        let seen = self.standing.borrow().doubts;
        let found = self.find(&mut search.held).await;
        search.ended = Some(Instant::now());
        let target = found.and_then(|info| self.settle(info, seen));
        search.failed = target.as_ref().err().cloned();
        target
    }

    async fn find(&self, held: &mut Option<Instant>) -> Result<ConnectionInfo, QueueError> {
        // A search must leave time for a connection and an answer.
        let each = self.deadline / 3;
        match &self.kind {
            Kind::One => Err(QueueError::Unreachable("one server is not looked for".into())),
            Kind::Sentinels(set) => sentinel::find(set, each, held).await,
            Kind::Cluster(nodes) => nodes.find(each).await,
        }
    }

    /// The same server again ends the doubts that there were when the search began; another one begins a term.
    fn settle(&self, info: ConnectionInfo, seen: u64) -> Result<Target, QueueError> {
        let mut settled = Err(QueueError::Unreachable("nothing was found".into()));
        self.standing.send_if_modified(|standing| {
            let known = standing.target.as_ref().filter(|target| &target.address == info.addr()).cloned();
            settled = known.clone().map_or_else(|| Target::new(info, standing.next_term()), Ok);
            let Ok(target) = &settled else { return false };
            standing.settled = seen;
            known.is_none() && standing.take(target.clone())
        });
        settled
    }

    /// Listens to the sentinels from now on, as long as this value lives.
    fn listen(self: &Arc<Self>) {
        if let Kind::Sentinels(set) = &self.kind {
            self.ears.get_or_init(|| {
                tokio::spawn(sentinel::listen(Arc::downgrade(self), set.clone(), self.deadline)).abort_handle()
            });
        }
    }
}

/// An attempt to connect. One that fails, or is given up by whoever asked for it, raises a doubt.
struct Trial<'a> {
    primary: &'a Primary,
    term: u64,
    passed: bool,
}

impl Trial<'_> {
    fn pass(mut self) -> u64 {
        self.passed = true;
        self.term
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if !self.passed {
            self.primary.doubt(self.term);
        }
    }
}

impl Drop for Primary {
    fn drop(&mut self) {
        if let Some(ears) = self.ears.get() {
            ears.abort();
        }
    }
}

/// `address` as this user and database.
pub(super) fn reach(address: ConnectionAddr, like: &ConnectionInfo, server: &RedisConnectionInfo) -> ConnectionInfo {
    like.clone().set_addr(address).set_redis_settings(server.clone())
}

fn no_connection(within: Duration) -> QueueError {
    QueueError::Unreachable(format!("no connection within {within:?}"))
}
