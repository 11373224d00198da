//! What answers look like, as JSON Schema (draft 2020-12, OpenAPI 3.1's own).
//!
//! Every member an answer has is described and required where it is always there; `tests/src/conformity.rs` holds every
//! answer that the tests of the API see against these, and takes no member that is not described.

mod fleet;
mod job;
mod problem;
mod words;

use serde_json::{Map, Value};

/// `components/schemas`, by name.
pub(super) fn all() -> Map<String, Value> {
    [job::all(), fleet::all(), problem::all()]
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}
