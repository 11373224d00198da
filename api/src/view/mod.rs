//! What the outside sees of jobs, tasks and workers: JSON with RFC 3339 times. No field is ever left out for being empty,
//! except where a list says so.

mod fresh;
mod job;
mod task;
mod worker;

pub(crate) use fresh::fresh_job;
pub(crate) use job::{Shown, job_json, list_item};
pub(crate) use task::TaskJson;
pub(crate) use worker::WorkerJson;

use dayfly_common::model::format_rfc3339_ms;
use serde::Serializer;

/// Ms since the epoch as a time.
fn time<S: Serializer>(ms: &i64, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&format_rfc3339_ms(*ms))
}

/// As [`time`], or null.
fn maybe_time<S: Serializer>(ms: &Option<i64>, out: S) -> Result<S::Ok, S::Error> {
    match ms {
        Some(ms) => time(ms, out),
        None => out.serialize_none(),
    }
}
