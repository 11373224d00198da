//! Open files: every connection of a client is one.

use nix::sys::resource::{Resource, getrlimit};

/// How many files this process may have open.
pub(crate) fn limit() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1_024, |(soft, _)| soft)
}
