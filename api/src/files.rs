//! Open files: every connection of a client is one.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises this process's limit of open files to the most it may set itself (`RLIMIT_NOFILE`, setrlimit(2)): the usual soft
/// limit of 1,024 is for programs that use select(2), and this one does not.
pub(crate) fn raise_limit() {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((soft, hard)) if soft < hard => match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
            Ok(()) => tracing::info!(soft, hard, "the limit of open files is raised from {soft} to {hard}"),
            Err(error) => tracing::warn!(%error, soft, hard, "the limit of open files stays at {soft}"),
        },
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be read"),
    }
}

/// How many files this process may have open.
pub(crate) fn limit() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1_024, |(soft, _)| soft)
}
