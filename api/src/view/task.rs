//! A task and its queue as JSON.

use super::maybe_time;
use crate::catalogue::Task;
use dayfly_common::{
    model::{OutputKind, RunTimes},
    queue::{TaskCard, TaskStatus},
};
use serde::{Serialize, ser::SerializeMap as _};
use serde_json::Value;

#[derive(Debug, Serialize)]
pub(crate) struct TaskJson<'a> {
    pub(crate) name: &'a str,
    description: Option<&'a str>,
    route: Option<&'a str>,
    queued: u64,
    scheduled: u64,
    running: u64,
    paused: bool,
    #[serde(serialize_with = "maybe_time")]
    oldest_at: Option<i64>,
    live_workers: u64,
    timeout_ms: Option<u64>,
    max_timeout_ms: Option<u64>,
    expires_ms: Option<u64>,
    retries: Option<u32>,
    retention_ms: Option<u64>,
    max_queued: Option<u64>,
    run_ms: Option<RunMs>,
    output: Option<OutputKind>,
    input_schema: Option<&'a Value>,
    warnings: Vec<&'static str>,
    links: Links<'a>,
}

/// How long its latest jobs have had a slot, ms: that half, and 95 of 100, stay below or reach.
#[derive(Debug, Serialize)]
struct RunMs {
    p50: Option<u64>,
    p95: Option<u64>,
    samples: usize,
}

impl RunMs {
    fn of(times: &RunTimes) -> Option<Self> {
        let (p50, p95, samples) = (times.percentile(50), times.percentile(95), times.count());
        (samples > 0).then_some(Self { p50, p95, samples })
    }
}

#[derive(Debug)]
struct Links<'a>(&'a str);

impl Serialize for Links<'_> {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let own = format!("/v1/tasks/{}", self.0);
        let mut map = out.serialize_map(Some(4))?;
        map.serialize_entry("self", &own)?;
        map.serialize_entry("jobs", &format_args!("/v1/jobs?task={}", self.0))?;
        for name in ["pause", "resume"] {
            map.serialize_entry(name, &format_args!("{own}/{name}"))?;
        }
        map.end()
    }
}

impl<'a> TaskJson<'a> {
    /// From what the catalogue knows, what the queue knows, or both; `None` from neither.
    pub(crate) fn new(task: Option<&'a Task>, status: Option<&'a TaskStatus>) -> Option<Self> {
        let card: Option<&TaskCard> = task.map(|task| &task.card).or(status.and_then(|status| status.card.as_ref()));
        let name = card.map(|card| &card.name).or(status.map(|status| &status.name))?.as_str();
        let live_workers = status.map_or(0, |status| status.live_workers);
        let mut warnings = Vec::new();
        if live_workers == 0 {
            warnings.push("no live worker serves this task: its jobs wait until one comes");
        }
        if status.is_some_and(|status| status.conflict) {
            warnings.push("workers publish two definitions of this task: the one first seen last counts");
        }
        if task.is_some_and(|task| task.schema_fault.is_some()) {
            warnings.push("its input schema cannot be used: inputs are not checked");
        }
        if card.is_none() {
            warnings.push("no worker and no file defines this task: only its jobs are left");
        }
        Some(Self {
            name,
            description: card.and_then(|card| card.description.as_deref()),
            route: card.and_then(|card| card.route.as_deref()),
            queued: status.map_or(0, |status| status.queued),
            scheduled: status.map_or(0, |status| status.scheduled),
            running: status.map_or(0, |status| status.running),
            paused: status.is_some_and(|status| status.paused),
            oldest_at: status.and_then(|status| status.oldest_at),
            live_workers,
            timeout_ms: card.map(|card| card.timeout_ms),
            max_timeout_ms: card.map(|card| card.max_timeout_ms),
            expires_ms: card.and_then(|card| card.expires_ms),
            retries: card.map(|card| card.retries),
            retention_ms: card.map(|card| card.retention_ms),
            max_queued: card.and_then(|card| card.max_queued),
            run_ms: status.and_then(|status| RunMs::of(&status.run_times)),
            output: card.map(|card| card.output),
            input_schema: card.and_then(|card| card.input_schema.as_ref()),
            warnings,
            links: Links(name),
        })
    }
}
