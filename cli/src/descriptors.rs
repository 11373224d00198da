//! Open files: a connection each, and the usual bound of 1,024 is soon met.

use nix::sys::resource::{Resource, getrlimit};
use tracing::warn;

/// For Redis, the log, files being read.
const OTHERS: u64 = 128;

/// How many of `connections` this process can hold once the API has raised its bound as far as it may; says so when that is
/// fewer.
pub(crate) fn held_of(connections: usize) -> usize {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let Ok((_, bound)) = getrlimit(Resource::RLIMIT_NOFILE) else { return connections };
    if bound >= wanted {
        return connections;
    }
    let held = usize::try_from(bound.saturating_sub(OTHERS)).unwrap_or(connections).max(1);
    warn!(
        max_connections = held,
        "this process may open {bound} files at most, so it takes {held} connections rather than {connections}: raise the \
         hard limit (LimitNOFILE= of a systemd unit, `ulimit -Hn`) or lower `max_connections` in [api]"
    );
    held
}
