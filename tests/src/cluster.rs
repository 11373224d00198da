//! A cluster of three primaries, and a replica of the one that has the queue's slot.

use crate::{Server, eventually_async, free_port, rig::Hand, server::Backend};
use redis::RedisResult;
use std::time::Duration;

/// How long a cluster may take to find itself, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);
const PRIMARIES: u16 = 3;
const SLOTS: u16 = 16_384;
/// A node that has not answered for so long is given up, ms.
const NODE_TIMEOUT: &str = "1000";

/// The cluster. Ended with the value.
#[derive(Debug)]
pub struct Cluster {
    /// The nodes: three that began as primaries, and a replica.
    pub nodes: Vec<Server>,
    slot: u16,
}

impl Backend for Cluster {
    fn url(&self) -> String {
        // Not the last one, so that it has to be found; and an address where nobody is.
        let seeds: Vec<String> = self.nodes[..2].iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis-cluster://127.0.0.1:{},{}", free_port(), seeds.join(","))
    }

    async fn primary_url(&self) -> String {
        self.nodes[self.owner().await].url()
    }
}

impl Cluster {
    /// Starts and joins the nodes.
    ///
    /// # Panics
    /// When they do not find each other in time.
    pub async fn start() -> Self {
        let buses: Vec<String> = (0..=PRIMARIES).map(|_| free_port().to_string()).collect();
        let nodes: Vec<Server> = buses
            .iter()
            .map(|bus| {
                Server::start_with(&[
                    &["--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", NODE_TIMEOUT][..],
                    &["--cluster-config-file", "nodes.conf", "--repl-diskless-sync-delay", "0"],
                ]
                .concat())
            })
            .collect();
        let mut cluster = Self { nodes, slot: 0 };
        cluster.slot = cluster.get(0, &["CLUSTER", "KEYSLOT", "{0}"]).await;
        let share = SLOTS.div_ceil(PRIMARIES);
        for (at, first) in (0..SLOTS).step_by(usize::from(share)).enumerate() {
            let last = (first + share - 1).min(SLOTS - 1);
            cluster.get::<()>(at, &["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]).await;
        }
        for (at, bus) in buses.iter().enumerate() {
            cluster.get::<()>(at, &["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]).await;
            let port = cluster.nodes[at].port().to_string();
            if at > 0 {
                cluster.get::<()>(0, &["CLUSTER", "MEET", "127.0.0.1", &port, bus]).await;
            }
        }
        cluster.until_all("they know each other", "cluster_known_nodes:4").await;
        cluster.until_all("they agree", "cluster_state:ok").await;
        let owner: String = cluster.id(cluster.owner().await).await;
        let replica = usize::from(PRIMARIES);
        cluster.get::<()>(replica, &["CLUSTER", "REPLICATE", &owner]).await;
        cluster.in_step(replica).await;
        cluster
    }

    /// The slot of the queue.
    #[must_use]
    pub fn slot(&self) -> String {
        self.slot.to_string()
    }

    /// A node's id.
    pub async fn id(&self, at: usize) -> String {
        self.get(at, &["CLUSTER", "MYID"]).await
    }

    /// Asks a node.
    ///
    /// # Errors
    /// What it answers, or that it does not.
    pub async fn ask<T: redis::FromRedisValue>(&self, at: usize, words: &[&str]) -> RedisResult<T> {
        Hand::try_of(&self.nodes[at].url()).await?.send(words).await
    }

    /// As [`Cluster::ask`].
    ///
    /// # Panics
    /// When it answers an error, or not at all.
    pub async fn get<T: redis::FromRedisValue>(&self, at: usize, words: &[&str]) -> T {
        self.ask(at, words).await.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Waits until every node that runs says `word` in `CLUSTER INFO`.
    ///
    /// # Panics
    /// When they do not in time.
    pub async fn until_all(&self, what: &str, word: &str) {
        eventually_async(what, PATIENCE, || async {
            for at in 0..self.nodes.len() {
                let runs = self.nodes[at].pid().is_some();
                let info: String = if runs { self.ask(at, &["CLUSTER", "INFO"]).await.ok()? } else { continue };
                info.contains(word).then_some(())?;
            }
            Some(())
        })
        .await;
    }

    /// The node that has the queue's slot.
    ///
    /// # Panics
    /// When there is none for a while.
    pub async fn owner(&self) -> usize {
        eventually_async("a node has the slot", PATIENCE, || async {
            for at in 0..self.nodes.len() {
                if self.ask::<i64>(at, &["EXISTS", "{0}"]).await.is_ok() {
                    return Some(at);
                }
            }
            None
        })
        .await
    }

    /// Waits until another node than `old` has the slot; gives it.
    ///
    /// # Panics
    /// When none has within 60 s.
    pub async fn another_than(&self, old: usize) -> usize {
        eventually_async("another owner", Duration::from_secs(60), || async {
            Some(self.owner().await).filter(|now| *now != old)
        })
        .await
    }

    /// Waits until a replica has all its primary has.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn in_step(&self, replica: usize) {
        eventually_async("the replica is in step", PATIENCE, || async {
            let info: String = self.ask(replica, &["INFO", "replication"]).await.ok()?;
            (info.contains("role:slave") && info.contains("master_link_status:up")).then_some(())
        })
        .await;
        // A failover that is asked of it needs every primary to know it as a replica.
        eventually_async("all know the replica", PATIENCE, || async {
            let id = self.id(replica).await;
            for at in 0..self.nodes.len() {
                let nodes: String = self.ask(at, &["CLUSTER", "NODES"]).await.ok()?;
                let line = nodes.lines().find(|line| line.starts_with(&id))?;
                line.split(' ').nth(2).filter(|flags| flags.contains("slave"))?;
            }
            Some(())
        })
        .await;
    }

    /// Lets the slot begin its way to `to`, key by key: from now on its owner answers `ASK`.
    pub async fn begin_move(&self, from: usize, to: usize) {
        let slot = self.slot();
        self.get::<()>(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &self.id(from).await]).await;
        self.get::<()>(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &self.id(to).await]).await;
    }

    /// Moves the keys, then the slot.
    pub async fn end_move(&self, from: usize, to: usize) {
        let (slot, port) = (self.slot(), self.nodes[to].port().to_string());
        loop {
            let keys: Vec<String> = self.get(from, &["CLUSTER", "GETKEYSINSLOT", &slot, "100"]).await;
            if keys.is_empty() {
                break;
            }
            let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            words.extend(keys.iter().map(String::as_str));
            self.get::<()>(from, &words).await;
        }
        let id = self.id(to).await;
        for at in [to, from] {
            self.get::<()>(at, &["CLUSTER", "SETSLOT", &slot, "NODE", &id]).await;
        }
    }
}
