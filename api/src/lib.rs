//! The HTTP API: jobs submitted, watched, cancelled; tasks, workers, health.
//!
//! ```text
//!   serve    connections, shutdown
//!     front    request id, Host and Origin, panics, problems
//!       operations   which route is whose, and all that the document says of it   ->  openapi
//!       routes   one file a resource:  extract (request -> values)  ->  queue  ->  view (records -> JSON)
//!   catalogue  which tasks there are        events    who waits for which job
//!   schema     what an input must be        upkeep    the sweep
//! ```
//!
//! Everything durable lies behind `dayfly_common::queue`; any number of these processes may stand side by side.

mod app;
mod catalogue;
mod error;
mod events;
mod extract;
mod front;
mod openapi;
mod operations;
mod origin;
mod routes;
mod schema;
mod serve;
mod upkeep;
mod view;
mod waiting;

pub use serve::{ServeError, serve};

use dayfly_common::model::TaskDef;
use std::net::SocketAddr;

/// What the API needs to know. Plain values.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Largest request body, bytes.
    pub max_body: u64,
    /// Longest `Prefer: wait`, ms.
    pub max_wait_ms: u64,
    /// The tasks of its own file.
    pub tasks: Vec<TaskDef>,
}

/// The OpenAPI document of this version, without what an API adds for its tasks.
#[must_use]
pub fn openapi() -> &'static serde_json::Value {
    openapi::base()
}

/// The address listened on must be loopback unless `insecure`.
#[must_use]
pub fn may_listen(address: SocketAddr, insecure: bool) -> bool {
    insecure || address.ip().is_loopback()
}
