//! The numbers of the whole installation, read from Redis when somebody asks and kept for a second. They are laid out anew each
//! time, so a task that is forgotten leaves no series behind, and totals follow Redis where its data was lost.

use dayfly_common::{
    metrics::{Exposition, names},
    model::{ErrorKind, State},
    queue::{Figures, Queue},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

const FRESH: Duration = Duration::from_secs(1);

/// What was read last, and when; `None`: Redis was away.
type Read = (Instant, Option<Arc<Figures>>);

#[derive(Debug, Default)]
pub(super) struct Fleet {
    last: Mutex<Option<Read>>,
}

impl Fleet {
    /// The numbers; when Redis is away, that it is.
    pub(super) async fn read(&self, queue: &Queue) -> Exposition {
        // Held while reading: many scrapes at once cause one reading.
        let mut last = self.last.lock().await;
        let figures = match &*last {
            Some((at, figures)) if at.elapsed() < FRESH => figures.clone(),
            Some(_) | None => {
                let figures = match queue.figures().await {
                    Ok(figures) => Some(Arc::new(figures)),
                    Err(error) => {
                        tracing::debug!(%error, "no metrics of the queue: {error}");
                        None
                    }
                };
                *last = Some((Instant::now(), figures.clone()));
                figures
            }
        };
        drop(last);
        let told = Exposition::default();
        told.gauges(&names::REDIS_UP).with_label_values::<&str>(&[]).set(if figures.is_some() { 1.0 } else { 0.0 });
        if let Some(figures) = figures {
            lay_out(&figures, &told);
        }
        told
    }
}

fn lay_out(figures: &Figures, told: &Exposition) {
    let jobs = told.gauges(&names::JOBS);
    let finished = told.counters(&names::JOBS_FINISHED);
    let oldest = told.gauges(&names::QUEUE_OLDEST);
    let serving = told.gauges(&names::TASK_WORKERS);
    let paused = told.gauges(&names::TASK_PAUSED);
    for (name, task) in &figures.tasks {
        let name = name.as_str();
        let count = |state| task.counts.get(&state).copied().unwrap_or(0);
        for state in [State::Queued, State::Scheduled, State::Running] {
            jobs.with_label_values(&[name, state.as_str()]).set(whole(count(state)));
        }
        for state in [State::Succeeded, State::Cancelled] {
            finished.with_label_values(&[name, state.as_str(), ""]).inc_by(count(state));
        }
        let failed = State::Failed.as_str();
        // All of them from the beginning, so that the first one is seen as a rise.
        for kind in ErrorKind::ALL.map(ErrorKind::as_str) {
            let number = task.failures.get(kind).copied().unwrap_or(0);
            finished.with_label_values(&[name, failed, kind]).inc_by(number);
        }
        // Those that failed before their kinds were counted, or for a reason of another version's.
        let told = ErrorKind::ALL.iter().filter_map(|kind| task.failures.get(kind.as_str()));
        let untold = count(State::Failed).saturating_sub(told.sum());
        if untold > 0 {
            finished.with_label_values(&[name, failed, "other"]).inc_by(untold);
        }
        #[expect(clippy::cast_precision_loss, reason = "ms of a wait are far below 2^53")]
        oldest.with_label_values(&[name]).set(task.oldest_ms as f64 / 1_000.0);
        serving.with_label_values(&[name]).set(whole(task.workers));
        paused.with_label_values(&[name]).set(if task.paused { 1.0 } else { 0.0 });
    }
    let slots = told.gauges(&names::WORKER_SLOTS);
    for (state, number) in
        [("busy", figures.slots.busy), ("free", figures.slots.free), ("draining", figures.slots.draining)]
    {
        slots.with_label_values(&[state]).set(whole(number));
    }
    let none: [&str; 0] = [];
    told.gauges(&names::WORKERS).with_label_values(&none).set(whole(figures.workers));
    told.counters(&names::LEASES_EXPIRED).with_label_values(&none).inc_by(figures.leases_expired);
    if let Some((used, most)) = figures.memory {
        told.gauges(&names::REDIS_MEMORY).with_label_values(&none).set(whole(used));
        told.gauges(&names::REDIS_MEMORY_MAX).with_label_values(&none).set(whole(most));
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and bytes below 2^53, as everywhere in Redis' functions")]
fn whole(number: u64) -> f64 {
    number as f64
}
