//! What a read configuration holds. Plain values: nothing here knows of files or variables.

use crate::{model::TaskDef, queue::RedisSettings};
use ipnet::IpNet;
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
    /// How its listener treats clients.
    pub listener: ListenerConfig,
}

/// How the API's listener treats its clients: keys of `[api]`.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// Connections at a time; more wait, or take the place of idle ones.
    pub max_connections: usize,
    /// Requests worked on at a time, not counting those that wait for a job's end or for their client.
    pub max_requests: usize,
    /// From the acceptance of a connection, or from a request's first byte, to the end of its head (and of the TLS
    /// handshake before it), ms.
    pub head_timeout_ms: u64,
    /// How long a connection may rest between two requests, ms.
    pub idle_timeout_ms: u64,
    /// Speak TLS by these; else plain HTTP.
    pub tls: Option<TlsFiles>,
    /// From whom `X-Forwarded-*` and `Forwarded` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The names that are answered; none: names of loopback on loopback, any elsewhere. Lower case, without port.
    pub hosts: Vec<String>,
    /// The origins whose pages may use the API; lower case, without the usual port.
    pub cors_origins: Vec<String>,
    /// A line for every request.
    pub access_log: bool,
}

/// The files of TLS, PEM each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those that lead to its root.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self {
            max_connections: 4_096,
            max_requests: 4_096,
            head_timeout_ms: 15_000,
            idle_timeout_ms: 75_000,
            tls: None,
            trusted_proxies: Vec::new(),
            hosts: Vec::new(),
            cors_origins: Vec::new(),
            access_log: false,
        }
    }
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
    /// Where `GET /metrics` is answered; nowhere by default.
    pub metrics_listen: Option<SocketAddr>,
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
