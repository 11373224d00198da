//! A worker as JSON.

use super::time;
use dayfly_common::queue::{LimitHolders, WorkerStatus};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct WorkerJson<'a> {
    id: &'a str,
    name: &'a str,
    host: &'a str,
    pid: u32,
    version: &'a str,
    slots: u32,
    busy: u32,
    tasks: &'a [String],
    draining: bool,
    isolation: &'a str,
    limits: &'a LimitHolders,
    memory: Option<u64>,
    memory_used: Option<u64>,
    #[serde(serialize_with = "time")]
    started_at: i64,
    #[serde(serialize_with = "time")]
    seen_at: i64,
    jobs: Vec<String>,
}

impl<'a> From<&'a WorkerStatus> for WorkerJson<'a> {
    fn from(worker: &'a WorkerStatus) -> Self {
        let presence = &worker.presence;
        Self {
            id: &presence.id,
            name: &presence.name,
            host: &presence.host,
            pid: presence.pid,
            version: &presence.version,
            slots: presence.slots,
            busy: presence.busy,
            tasks: &presence.tasks,
            draining: presence.draining,
            isolation: &presence.isolation,
            limits: &presence.limits,
            memory: presence.memory,
            memory_used: presence.memory_used,
            started_at: presence.started_at,
            seen_at: worker.seen_at,
            jobs: worker.jobs.iter().map(ToString::to_string).collect(),
        }
    }
}
