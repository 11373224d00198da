//! The HTTP API: jobs submitted, watched, cancelled; tasks, workers, health.
//!
//! ```text
//!   serve    listening, shutdown          places     how many connections      tls     certificates
//!     connection, stages   one of them and its bounds
//!       front    request id, Host and Origin, load, who asks, panics, problems, access log
//!       operations   which route is whose, and all that the document says of it   ->  openapi
//!       routes   one file a resource:  extract (request -> values)  ->  queue  ->  view (records -> JSON)
//!       pages    the dashboard: the same for people, as HTML
//!   intake     how a job is taken, one or many at once
//!   catalogue  which tasks there are        events    who waits for which job (waiting, watch), or for all (fleet)
//!   auth       tokens, scopes, owners
//!   schema     what an input must be        upkeep    the sweep
//!   streams    how many there may be        files     how many connections
//!   pace       when a queued job may start              metrics   what is counted, and the numbers of the queue
//! ```
//!
//! Everything durable lies behind `dayfly_common::queue`; any number of these processes may stand side by side.

mod access;
mod app;
mod arriving;
mod auth;
mod catalogue;
mod connection;
mod cors;
mod error;
mod events;
mod extract;
mod files;
mod fleet;
mod front;
mod intake;
mod load;
mod metrics;
mod openapi;
mod operations;
mod origin;
mod pace;
mod pages;
mod places;
mod proxy;
mod routes;
mod schema;
mod serve;
mod stages;
mod streams;
#[cfg(test)]
mod testing;
mod tls;
mod upkeep;
mod view;
mod waiting;
mod watch;

pub use auth::{ROUTES, Route};
pub use serve::{ServeError, serve};
pub use tls::{Tls, TlsError};

use dayfly_common::{config::ListenerConfig, model::TaskDef};
use std::sync::Arc;

/// What the API needs to know. Plain values.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Largest request body, bytes.
    pub max_body: u64,
    /// Longest `Prefer: wait`, ms.
    pub max_wait_ms: u64,
    /// Answers everybody although others than this host reach it, as long as no token was made.
    pub insecure: bool,
    /// The tasks of its own file.
    pub tasks: Vec<TaskDef>,
    /// How clients are treated.
    pub listener: ListenerConfig,
    /// Speak TLS by this (the files that `listener` names, read).
    pub tls: Option<Arc<Tls>>,
}

/// The OpenAPI document of this version, without what an API adds for its tasks.
#[must_use]
pub fn openapi() -> &'static serde_json::Value {
    openapi::base()
}
