//! The HTTP API: jobs submitted, watched, cancelled; tasks, workers, health.
//!
//! ```text
//!   serve    connections, shutdown
//!     front    request id, Host and Origin, who asks, panics, problems
//!       routes   one file a resource:  extract (request -> values)  ->  queue  ->  view (records -> JSON)
//!   catalogue  which tasks there are        events    who waits for which job
//!   auth       tokens, scopes, owners
//!   schema     what an input must be        upkeep    the sweep
//! ```
//!
//! Everything durable lies behind `dayfly_common::queue`; any number of these processes may stand side by side.

mod app;
mod auth;
mod catalogue;
mod error;
mod events;
mod extract;
mod front;
mod origin;
mod routes;
mod schema;
mod serve;
mod upkeep;
mod view;
mod waiting;

pub use auth::{ROUTES, Route};
pub use serve::{ServeError, serve};

use dayfly_common::model::TaskDef;

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
}
