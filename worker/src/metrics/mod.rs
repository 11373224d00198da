//! What a worker tells Prometheus, where `[worker] metrics_listen` says so (`serve.rs`).

mod serve;

pub(crate) use serve::serve;

use dayfly_common::{
    metrics::{Exposition, names},
    model::{KilledBy, Outcome, TaskName, Usage},
    queue::{Claim, Queue},
};
use prometheus::{CounterVec, Gauge, HistogramVec, IntCounterVec};

/// How an attempt may end.
const OUTCOMES: [&str; 5] = ["succeeded", "failed", "cancelled", "drained", "lost"];

/// The numbers of this worker.
#[derive(Debug)]
pub(crate) struct Metrics {
    told: Exposition,
    redis_up: Gauge,
    waits: HistogramVec,
    runs: HistogramVec,
    kills: HistogramVec,
    cpu: CounterVec,
    attempts: IntCounterVec,
}

impl Metrics {
    /// Every task's series are there from the beginning, so that its first job is seen as a rise.
    pub(crate) fn new<'a>(queue: &Queue, tasks: impl Iterator<Item = &'a TaskName>) -> Self {
        let told = Exposition::of("worker");
        queue.metrics().expose(&told);
        let own = Self {
            redis_up: told.gauges(&names::REDIS_UP).with_label_values::<&str>(&[]),
            waits: told.histograms(&names::JOB_WAIT),
            runs: told.histograms(&names::JOB_RUN),
            kills: told.histograms(&names::KILL),
            cpu: told.second_counters(&names::JOB_CPU),
            attempts: told.counters(&names::ATTEMPTS),
            told,
        };
        for task in tasks.map(TaskName::as_str) {
            own.waits.with_label_values(&[task]);
            own.runs.with_label_values(&[task]);
            own.cpu.with_label_values(&[task]);
            for outcome in OUTCOMES {
                own.attempts.with_label_values(&[task, outcome]);
            }
        }
        own
    }

    /// Redis answered the last heartbeat, or did not.
    pub(crate) fn redis_is_up(&self, up: bool) {
        self.redis_up.set(if up { 1.0 } else { 0.0 });
    }

    /// A job was claimed.
    pub(crate) fn claimed(&self, claim: &Claim) {
        if let Some(ms) = claim.waited_ms() {
            self.waits.with_label_values(&[claim.task.as_str()]).observe(seconds(ms));
        }
    }

    /// The last process of a run has gone.
    pub(crate) fn ran(&self, task: &TaskName, usage: &Usage, killed: Option<(KilledBy, u64)>) {
        self.runs.with_label_values(&[task.as_str()]).observe(seconds(usage.wall_ms));
        self.cpu.with_label_values(&[task.as_str()]).inc_by(seconds(usage.cpu_ms));
        if let Some((by, ms)) = killed {
            self.kills.with_label_values(&[by.as_str()]).observe(seconds(ms));
        }
    }

    /// The end of an attempt was written.
    pub(crate) fn ended(&self, task: &TaskName, outcome: &Outcome) {
        self.attempts.with_label_values(&[task.as_str(), outcome.as_str()]).inc();
    }
}

#[expect(clippy::cast_precision_loss, reason = "ms of a run are far below 2^53")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}
