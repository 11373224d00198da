//! Every route there is: its handler beside all that the document says of it, one file a resource.
//!
//! A route is added here and nowhere else: `app.rs` makes the router of [`all`], `openapi` the document. A test walks the
//! router and finds what was added past this table.

mod changes;
mod fleet;
mod intake;
mod job;
mod jobs;
mod params;
mod removals;
mod server;
mod streams;
mod tasks;

use crate::openapi::Operation;
use std::sync::LazyLock;

/// All of them, in the order that readers meet them.
pub(crate) fn all() -> &'static [Operation] {
    static ALL: LazyLock<Vec<Operation>> = LazyLock::new(|| {
        [
            tasks::all(),
            jobs::all(),
            intake::all(),
            job::all(),
            changes::all(),
            removals::all(),
            streams::all(),
            fleet::all(),
            server::all(),
        ]
        .into_iter()
        .flatten()
        .collect()
    });
    &ALL
}
