//! When a queued job may start: an estimate from the slots of live workers and the recent run times of their tasks, which are read
//! once a second at most.

use dayfly_common::{
    model::{Crew, TaskName, start_within_ms},
    queue::{JobView, Paces, Presence, Queue, QueueError},
};
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::sync::Mutex;

/// How old what was read may be. Workers tell of their busy slots once a second.
const FRESH: Duration = Duration::from_secs(1);

/// What was read last.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<Option<Arc<Seen>>>);

#[derive(Debug)]
struct Seen {
    at: Instant,
    workers: Vec<Presence>,
    paces: Paces,
}

impl Pace {
    /// When a queued job may start, ms since the epoch. `None` for any other job, and while its task is paused, has no live worker
    /// or no recent run times; while its owner's other jobs hold it back; or when Redis cannot say.
    pub(crate) async fn start_of(&self, queue: &Queue, view: &JobView) -> Option<i64> {
        let ahead = view.queue_position.filter(|_| !view.parked)?;
        let seen = self.seen(queue).await.inspect_err(|error| tracing::debug!(%error, "no estimate: {error}")).ok()?;
        let within = seen.start_within_ms(&view.record.task, ahead)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(now.as_millis()).ok()?.checked_add_unsigned(within)
    }

    /// One request reads; the others wait for it, and find it done.
    async fn seen(&self, queue: &Queue) -> Result<Arc<Seen>, QueueError> {
        let mut last = self.0.lock().await;
        if let Some(seen) = last.as_ref().filter(|seen| seen.at.elapsed() < FRESH) {
            return Ok(Arc::clone(seen));
        }
        let workers: Vec<Presence> = queue.workers().await?.into_iter().map(|worker| worker.presence).collect();
        let mut tasks: Vec<TaskName> =
            workers.iter().flat_map(|worker| &worker.tasks).filter_map(|task| task.parse().ok()).collect();
        tasks.sort_unstable();
        tasks.dedup();
        let seen = Arc::new(Seen { paces: queue.paces(tasks).await?, workers, at: Instant::now() });
        *last = Some(Arc::clone(&seen));
        Ok(seen)
    }
}

impl Seen {
    fn start_within_ms(&self, task: &TaskName, ahead: u64) -> Option<u64> {
        if self.paces.paused.contains(task.as_str()) {
            return None;
        }
        let own = self.mean_ms(task.as_str())?;
        let serving =
            self.workers.iter().filter(|worker| !worker.draining && worker.tasks.iter().any(|of| of == task.as_str()));
        let crews: Vec<Crew> = serving
            .map(|worker| {
                let others = worker.tasks.iter().filter(|other| *other != task.as_str() && self.competes(other));
                let turn_ms = own + others.map(|other| self.mean_ms(other).unwrap_or(own)).sum::<u64>();
                Crew { slots: worker.slots, busy: worker.busy, turn_ms }
            })
            .collect();
        start_within_ms(ahead, &crews)
    }

    fn competes(&self, task: &str) -> bool {
        self.paces.waiting.contains(task) && !self.paces.paused.contains(task)
    }

    fn mean_ms(&self, task: &str) -> Option<u64> {
        self.paces.run_times.get(&task.parse::<TaskName>().ok()?)?.mean_ms()
    }
}
