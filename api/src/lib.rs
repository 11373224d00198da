//! The HTTP API.

use dayfly_common::{model::TaskDef, queue::Queue};
use std::{future::Future, net::SocketAddr};
use tokio::net::TcpListener;

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

/// Serves until `shutdown` resolves, then finishes requests under way (at most 5 s).
///
/// # Errors
/// The listener failed.
pub async fn serve(
    settings: ApiSettings,
    queue: Queue,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let _ = (settings, queue, listener, shutdown);
    todo!()
}

/// The address listened on must be loopback unless `insecure`.
#[must_use]
pub fn may_listen(address: SocketAddr, insecure: bool) -> bool {
    insecure || address.ip().is_loopback()
}
