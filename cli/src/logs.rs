//! Log lines on standard error.

use crate::{args::LogFormat, failure::Failure};
use std::io::{self, IsTerminal as _};
use tracing_subscriber::EnvFilter;

/// Starts logging. The filter is `DAYFLY_LOG`, else `RUST_LOG`, else `usual`.
pub(crate) fn start(format: LogFormat, usual: &str) -> Result<(), Failure> {
    let (name, directives) = ["DAYFLY_LOG", "RUST_LOG"]
        .into_iter()
        .find_map(|name| Some((name, std::env::var(name).ok().filter(|value| !value.is_empty())?)))
        .unwrap_or_else(|| ("the default", usual.to_owned()));
    let filter = EnvFilter::try_new(&directives)
        .map_err(|why| Failure::usage(format_args!("{name}: `{directives}` is not a log filter: {why}")))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Human => lines.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    Ok(())
}
