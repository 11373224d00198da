//! A primary with replicas and three sentinels that watch them.

use crate::{Server, eventually_async, rig::Hand, server::Backend};
use redis::RedisResult;
use std::{collections::HashMap, time::Duration};

/// How long a set may take to find itself, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);
/// The name under which the sentinels watch the primary.
const NAME: &str = "dayfly";
/// A primary that has not answered for so long is given up, ms.
const DOWN_AFTER: &str = "1000";

/// The set. Ended with the value.
#[derive(Debug)]
pub struct Sentinels {
    /// The servers; the first one was the primary at the start.
    pub servers: Vec<Server>,
    /// The sentinels.
    pub sentinels: Vec<Server>,
}

impl Backend for Sentinels {
    fn url(&self) -> String {
        let addresses: Vec<String> =
            self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port())).collect();
        format!("redis-sentinel://{}/0?master={NAME}", addresses.join(","))
    }

    async fn primary_url(&self) -> String {
        self.servers[self.primary().await].url()
    }
}

impl Sentinels {
    /// A primary and two replicas.
    ///
    /// # Panics
    /// When they do not find each other in time.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// As [`Sentinels::start`], with further settings of the servers.
    ///
    /// # Panics
    /// When they do not find each other in time.
    pub async fn start_with(extra: &[&str]) -> Self {
        let quick = [&["--repl-diskless-sync-delay", "0"], extra].concat();
        let primary = Server::start_with(&quick);
        let port = primary.port().to_string();
        let following = [&quick[..], &["--replicaof", "127.0.0.1", &port]].concat();
        let servers: Vec<Server> =
            std::iter::once(primary).chain((0..2).map(|_| Server::start_with(&following))).collect();
        for server in &servers[1..] {
            following_is_up(server).await;
        }
        let watched = format!(
            "sentinel monitor {NAME} 127.0.0.1 {port} 2\nsentinel down-after-milliseconds {NAME} {DOWN_AFTER}\n\
             sentinel failover-timeout {NAME} 4000\nsentinel parallel-syncs {NAME} 2\n"
        );
        let sentinels = (0..3).map(|_| Server::start_sentinel(&watched)).collect();
        let set = Self { servers, sentinels };
        for at in 0..3 {
            set.knows_all(at).await;
        }
        set
    }

    async fn knows_all(&self, at: usize) {
        eventually_async("the sentinel knows all", PATIENCE, || async {
            let about: HashMap<String, String> = self.ask(at, &["SENTINEL", "MASTER", NAME]).await.ok()?;
            (about["num-slaves"] == "2" && about["num-other-sentinels"] == "2" && about["flags"] == "master")
                .then_some(())
        })
        .await;
    }

    /// Asks a sentinel.
    ///
    /// # Errors
    /// What it answers, or that it does not.
    pub async fn ask<T: redis::FromRedisValue>(&self, at: usize, words: &[&str]) -> RedisResult<T> {
        Hand::try_of(&self.sentinels[at].url()).await?.send(words).await
    }

    /// Which server the first sentinel that answers names.
    ///
    /// # Panics
    /// When none does.
    pub async fn primary(&self) -> usize {
        eventually_async("a sentinel names the primary", PATIENCE, || async {
            for at in 0..self.sentinels.len() {
                let named: RedisResult<(String, u16)> =
                    self.ask(at, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).await;
                if let Ok((_, port)) = named {
                    return self.servers.iter().position(|server| server.port() == port);
                }
            }
            None
        })
        .await
    }

    /// Waits until the sentinels name another server than `old`; gives it.
    ///
    /// # Panics
    /// When they do not within two minutes: each election that comes to nothing costs eight seconds or more.
    pub async fn another_than(&self, old: usize) -> usize {
        eventually_async("another primary", Duration::from_secs(120), || async {
            Some(self.primary().await).filter(|now| *now != old)
        })
        .await
    }

    /// Asks for a failover, as an operator does for maintenance.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn fail_over(&self) {
        self.ask::<()>(0, &["SENTINEL", "FAILOVER", NAME]).await.expect("a failover begins");
    }
}

async fn following_is_up(server: &Server) {
    eventually_async("the replica is in step", PATIENCE, || async {
        let hand = Hand::try_of(&server.url()).await.ok()?;
        let info: String = hand.send(&["INFO", "replication"]).await.ok()?;
        info.contains("master_link_status:up").then_some(())
    })
    .await;
}
