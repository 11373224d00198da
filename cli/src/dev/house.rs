//! The parts together: started in order, kept, ended in order.

use super::{
    child::{Line, Part},
    ready,
    server::answers,
};
use crate::{failure::Failure, signals::Signals};
use dayfly_common::{config::Config, queue::Queue};
use nix::sys::signal::Signal;
use std::time::Duration;

/// For an API that finishes its requests, and for a server that syncs its file.
const ORDERLY: Duration = Duration::from_secs(10);
/// For a worker told to end its jobs at once.
const AT_ONCE: Duration = Duration::from_secs(5);

/// The running house. The server is absent when it is somebody else's.
#[derive(Debug)]
pub(super) struct House {
    server: Option<Part>,
    api: Part,
    worker: Part,
    drain_bound: Duration,
}

/// Starts the private server and waits until it has read its data.
pub(super) async fn start_server(line: Line, port: u16) -> Result<Part, Failure> {
    let mut server = Part::start("server", line)?;
    let answering = async {
        while !answers(port) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = answering => {}
        failure = server.ended_too_early() => return Err(failure),
    }
    Ok(server)
}

/// Ends a server beside which nothing was started.
pub(super) async fn end_server(server: Option<Part>) {
    if let Some(mut server) = server {
        server.end(ORDERLY).await;
    }
}

impl House {
    /// Starts the API and the worker.
    pub(super) fn start(server: Option<Part>, api: Line, worker: Line, config: &Config) -> Result<Self, Failure> {
        let grace = config.tasks.values().map(|task| task.kill_grace_ms).max().unwrap_or(0);
        let drain_bound = Duration::from_millis(config.worker.drain_timeout_ms.saturating_add(grace)) + ORDERLY;
        Ok(Self { server, api: Part::start("API", api)?, worker: Part::start("worker", worker)?, drain_bound })
    }

    /// Waits until all is ready; an end of a part before that is a failure.
    pub(super) async fn ready(&mut self, config: &Config, queue: &Queue) -> Result<(), Failure> {
        let worker = self.worker.pid();
        let tls = config.api.listener.tls.is_some();
        tokio::select! {
            () = ready::ready(ready::reachable(config.api.listen), tls, queue, worker) => Ok(()),
            failure = self.api.ended_too_early() => Err(failure),
            failure = self.worker.ended_too_early() => Err(failure),
            failure = ended_too_early(&mut self.server) => Err(failure),
        }
    }

    /// Starts again whatever dies. Only ends when something cannot be started any more.
    pub(super) async fn keep(&mut self) -> Failure {
        let server = async {
            match &mut self.server {
                Some(server) => server.keep().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            failure = server => failure,
            failure = self.api.keep() => failure,
            failure = self.worker.keep() => failure,
        }
    }

    /// Worker, API, server, each when the one before has gone: a worker needs the server to write down how its jobs
    /// ended. A signal meanwhile hurries it.
    pub(super) async fn end(&mut self, signals: &mut Signals) {
        let in_order = async {
            self.worker.end(self.drain_bound).await;
            self.api.end(ORDERLY).await;
        };
        let hurried = tokio::select! {
            () = in_order => false,
            () = signals.next() => true,
        };
        if hurried {
            eprintln!("dayfly dev: ending at once");
            self.api.signal(Signal::SIGKILL);
            self.worker.end(AT_ONCE).await;
            self.api.ended().await;
        }
        if let Some(server) = &mut self.server {
            server.end(ORDERLY).await;
        }
    }
}

async fn ended_too_early(server: &mut Option<Part>) -> Failure {
    match server {
        Some(server) => server.ended_too_early().await,
        None => std::future::pending().await,
    }
}
