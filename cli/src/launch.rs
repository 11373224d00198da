//! What a process that runs jobs begins with: the supervisor, then the runtime.

use crate::failure::Failure;
use dayfly_common::config::Config;
use dayfly_worker::process::Supervisor;
use std::path::Path;
use tokio::runtime::{Builder, Runtime};

/// The supervisor forks: it must be started while this process has one thread and no runtime.
pub(crate) fn launch(config: &Config) -> Result<(Supervisor, Runtime), Failure> {
    let supervisor = Supervisor::launch_with(Path::new("/proc/self/exe"), config.worker.isolation.into())
        .map_err(|why| Failure::runtime(format_args!("the supervisor cannot be started: {why}")))?;
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::runtime(format_args!("no runtime: {why}")))?;
    Ok((supervisor, runtime))
}
