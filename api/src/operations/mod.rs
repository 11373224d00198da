//! Every route there is: its handler beside all that the document says of it, one file a resource.
//!
//! A route is added here and nowhere else: `app.rs` makes the router of [`all`], `openapi` the document. A test walks the
//! router and finds what was added past this table.

mod fleet;
mod job;
mod jobs;
mod params;
mod server;
mod tasks;

use crate::openapi::Operation;
use std::sync::LazyLock;

/// All of them, in the order that readers meet them.
pub(crate) fn all() -> &'static [Operation] {
    static ALL: LazyLock<Vec<Operation>> = LazyLock::new(|| {
        [tasks::all(), jobs::all(), job::all(), fleet::all(), server::all()].into_iter().flatten().collect()
    });
    &ALL
}
