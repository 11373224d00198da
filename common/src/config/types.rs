//! What a read configuration holds. Plain values: nothing here knows of files or variables.

use crate::{model::TaskDef, queue::RedisSettings};
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[redis]`.
    pub redis: RedisSettings,
    /// `[api]`.
    pub api: ApiConfig,
    /// `[worker]`.
    pub worker: WorkerConfig,
    /// `[tasks.*]`, by name.
    pub tasks: BTreeMap<String, TaskDef>,
    /// The folder of the file: relative commands and folders of tasks are meant from here.
    pub base_dir: PathBuf,
}

/// `[api]`.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Where to listen; 127.0.0.1:8080 by default.
    pub listen: SocketAddr,
    /// Largest request body, bytes.
    pub max_body: u64,
    /// Longest `Prefer: wait`, ms.
    pub max_wait_ms: u64,
    /// Allows an address beyond loopback without tokens.
    pub insecure: bool,
}

/// `[worker]`.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// The host's name by default.
    pub name: String,
    /// Jobs at a time; the number of CPUs by default.
    pub slots: u32,
    /// What the `memory` of the tasks of running jobs may come to together, bytes; no bound by default.
    pub memory: Option<u64>,
    /// The lease, ms.
    pub lease_ttl_ms: u64,
    /// From one heartbeat to the next, ms.
    pub heartbeat_ms: u64,
    /// How long a shutdown waits for running jobs, ms.
    pub drain_timeout_ms: u64,
    /// How job trees are held together.
    pub isolation: Isolation,
    /// Where jobs' folders and the worker's own state lie.
    pub state_dir: PathBuf,
}

/// How a slot makes sure that it can end the whole tree of its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// A pid namespace where the kernel allows it, else the tree alone.
    #[default]
    Auto,
    /// A pid namespace, or the worker does not start.
    Pidns,
    /// The slot is the subreaper of the tree.
    Tree,
}
