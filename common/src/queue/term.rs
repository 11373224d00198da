//! The terms of primaries: what is known of the one of today, and how a connection learns that its own is over.
//! Terms are counted from 1.

use super::QueueError;
use redis::{Client, ConnectionAddr, ConnectionInfo};
use std::future::Future;
use tokio::sync::watch;

/// What is known of the primary.
#[derive(Default)]
pub(super) struct Standing {
    pub(super) target: Option<Target>,
    /// Doubts that arose, and how many of them the last search has settled.
    pub(super) doubts: u64,
    pub(super) settled: u64,
}

/// A primary in its term.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) client: Client,
    pub(super) address: ConnectionAddr,
    pub(super) term: u64,
}

/// Whether a connection is still one to the primary.
pub(super) struct Tenure {
    standing: watch::Receiver<Standing>,
    term: u64,
}

impl Standing {
    /// Whether the primary is that of this term, without a doubt.
    pub(super) fn trusts(&self, term: u64) -> bool {
        self.doubts == self.settled && self.target.as_ref().is_some_and(|target| target.term == term)
    }

    /// The primary, unless there is a doubt.
    pub(super) fn trusted(&self) -> Option<Target> {
        self.target.as_ref().filter(|_| self.doubts == self.settled).cloned()
    }

    pub(super) fn next_term(&self) -> u64 {
        self.target.as_ref().map_or(1, |target| target.term + 1)
    }

    /// A new term begins.
    pub(super) fn take(&mut self, target: Target) -> bool {
        if self.target.is_some() {
            tracing::info!(primary = %target.address, "Redis has another primary");
        }
        self.target = Some(target);
        true
    }
}

impl Target {
    pub(super) fn new(info: ConnectionInfo, term: u64) -> Result<Self, QueueError> {
        let address = info.addr().clone();
        Ok(Self { client: Client::open(info)?, address, term })
    }
}

impl Tenure {
    pub(super) fn new(standing: watch::Receiver<Standing>, term: u64) -> Self {
        Self { standing, term }
    }

    /// What is asked of a server may take as long as it takes, but not longer than it is the primary.
    pub(super) async fn while_it_lasts<T>(
        &mut self,
        asked: impl Future<Output = Result<T, QueueError>>,
    ) -> Result<T, QueueError> {
        tokio::select! {
            answer = asked => answer,
            () = self.over() => Err(QueueError::Unreachable("Redis has another primary".into())),
        }
    }

    async fn over(&mut self) {
        let term = self.term;
        let other = |standing: &Standing| standing.target.as_ref().is_some_and(|target| target.term != term);
        if self.standing.wait_for(other).await.is_err() {
            // The queue is gone; who still holds this connection may finish with it.
            std::future::pending::<()>().await;
        }
    }
}
