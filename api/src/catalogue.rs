//! The tasks there are: those of this process' own file and those that workers published.
//!
//! A snapshot of the registry and of the live workers is kept for a second and read again sooner when it lacks what is
//! asked for. A worker's definition counts while such a worker lives, for it is what will run; then the own file's; then
//! what the registry remembers.

use crate::{
    error::{Code, Problem},
    schema::InputSchema,
};
use dayfly_common::{
    model::nearest,
    queue::{Queue, QueueError, TaskCard},
};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// How old a snapshot may be.
const FRESH: Duration = Duration::from_secs(1);
/// How old it may be when something is missing in it.
const FRESH_ON_MISS: Duration = Duration::from_millis(100);
/// Names listed in a message.
const MOST_NAMES: usize = 10;

/// A task, ready to check requests.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) card: TaskCard,
    pub(crate) schema: Option<InputSchema>,
    /// What is wrong with the schema: then inputs go unchecked, and each answer says so.
    pub(crate) schema_fault: Option<String>,
}

/// What was known at one time.
#[derive(Debug)]
pub(crate) struct Snapshot {
    tasks: HashMap<String, Arc<Task>>,
    /// The registry as it was read, to keep compiled schemas over refreshes.
    published: HashMap<String, Arc<Task>>,
    live_workers: HashMap<String, u64>,
    routes: HashMap<String, String>,
    read_at: Instant,
    /// Why it could not be read again, so that not every request waits to find out.
    stale: Option<Problem>,
}

/// The tasks, kept up to date.
#[derive(Debug)]
pub(crate) struct Catalogue {
    queue: Queue,
    own: HashMap<String, Arc<Task>>,
    snapshot: RwLock<Arc<Snapshot>>,
    refresh: Mutex<()>,
}

impl Task {
    pub(crate) fn new(card: TaskCard) -> Arc<Self> {
        let (schema, schema_fault) = match card.input_schema.as_ref().map(InputSchema::compile).transpose() {
            Ok(schema) => (schema, None),
            Err(fault) => {
                tracing::warn!(task = %card.name, fault, "the input schema of task {} cannot be used", card.name);
                (None, Some(fault))
            }
        };
        Arc::new(Self { card, schema, schema_fault })
    }
}

impl Snapshot {
    fn put_together(
        own: &HashMap<String, Arc<Task>>,
        published: HashMap<String, Arc<Task>>,
        live_workers: HashMap<String, u64>,
    ) -> Self {
        let mut tasks = published.clone();
        for (name, task) in own {
            let lives = published.contains_key(name) && live_workers.contains_key(name);
            if !lives {
                tasks.insert(name.clone(), Arc::clone(task));
            }
        }
        let routes = tasks.iter().filter_map(|(name, task)| Some((task.card.route.clone()?, name.clone()))).collect();
        Self { tasks, published, live_workers, routes, read_at: Instant::now(), stale: None }
    }

    pub(crate) fn task(&self, name: &str) -> Option<&Arc<Task>> {
        self.tasks.get(name)
    }

    pub(crate) fn live_workers(&self, name: &str) -> u64 {
        self.live_workers.get(name).copied().unwrap_or(0)
    }

    pub(crate) fn tasks(&self) -> impl Iterator<Item = &Arc<Task>> {
        self.tasks.values()
    }

    /// The problem of a name that is not a task's.
    fn unknown(&self, name: &str) -> Problem {
        let shown: String = name.chars().take(80).collect();
        let near = nearest(name, self.tasks.keys().map(String::as_str))
            .map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
        let mut names: Vec<&str> = self.tasks.keys().map(String::as_str).collect();
        names.sort_unstable();
        let known = match names.len() {
            0 => "No worker has published a task yet.".to_owned(),
            count if count > MOST_NAMES => format!("GET /v1/tasks lists the {count} there are."),
            _ => format!("Known tasks: {}.", names.join(", ")),
        };
        Problem::new(Code::UnknownTask, format!("There is no task `{shown}`.{near} {known}"))
    }
}

impl Catalogue {
    pub(crate) fn new(queue: Queue, own: impl IntoIterator<Item = TaskCard>) -> Self {
        let own: HashMap<_, _> = own.into_iter().map(|card| (card.name.to_string(), Task::new(card))).collect();
        let mut first = Snapshot::put_together(&own, HashMap::new(), HashMap::new());
        // Nothing was read yet.
        first.read_at = Instant::now().checked_sub(FRESH).unwrap_or(first.read_at);
        Self { queue, own, snapshot: RwLock::new(Arc::new(first)), refresh: Mutex::new(()) }
    }

    fn latest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, snapshot: Snapshot) -> Arc<Snapshot> {
        let snapshot = Arc::new(snapshot);
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&snapshot);
        snapshot
    }

    /// Whether the path is a task's own route, as far as is known.
    pub(crate) fn is_route(&self, path: &str) -> bool {
        self.latest().routes.contains_key(path)
    }

    /// The newest snapshot, read again when it is older than a second. With Redis away it is the last one known.
    pub(crate) async fn current(&self) -> Arc<Snapshot> {
        let latest = self.latest();
        if latest.read_at.elapsed() < FRESH {
            return latest;
        }
        // One request reads; the others go on with what there is.
        match self.refresh.try_lock() {
            Ok(_one) => self.read().await.unwrap_or_else(|_| self.latest()),
            Err(_) => latest,
        }
    }

    /// A snapshot at most a tenth of a second old.
    async fn renewed(&self) -> Result<Arc<Snapshot>, Problem> {
        if let Some(recent) = self.recent() {
            return recent;
        }
        let _one = self.refresh.lock().await;
        // Whoever held the lock before has read it.
        match self.recent() {
            Some(recent) => recent,
            None => self.read().await,
        }
    }

    /// The snapshot, or why there is none, if that is a tenth of a second old at most.
    fn recent(&self) -> Option<Result<Arc<Snapshot>, Problem>> {
        let latest = self.latest();
        (latest.read_at.elapsed() < FRESH_ON_MISS).then(|| match &latest.stale {
            None => Ok(latest),
            Some(why) => Err(why.clone()),
        })
    }

    /// The registry was changed here: what this server knows of it is read again.
    pub(crate) async fn read_anew(&self) {
        let _one = self.refresh.lock().await;
        // What went wrong is kept with the snapshot.
        drop(self.read().await);
    }

    async fn read(&self) -> Result<Arc<Snapshot>, Problem> {
        let read = async {
            let cards = self.queue.registered_tasks().await?;
            let workers = self.queue.workers().await?;
            Ok::<_, QueueError>((cards, workers))
        };
        let (cards, workers) = match read.await {
            Ok(both) => both,
            Err(error) => {
                let (last, why) = (self.latest(), Problem::from(error));
                self.put(Snapshot {
                    tasks: last.tasks.clone(),
                    published: last.published.clone(),
                    live_workers: last.live_workers.clone(),
                    routes: last.routes.clone(),
                    read_at: Instant::now(),
                    stale: Some(why.clone()),
                });
                return Err(why);
            }
        };
        let last = self.latest();
        let keep = |card: TaskCard| {
            let name = card.name.to_string();
            let known = [&last.published, &self.own].into_iter().find_map(|tasks| tasks.get(&name));
            let task = known.filter(|task| task.card == card).map_or_else(|| Task::new(card), Arc::clone);
            (name, task)
        };
        let published = cards.into_iter().map(keep).collect();
        let mut live_workers = HashMap::new();
        for worker in workers.into_iter().filter(|worker| !worker.presence.draining) {
            for task in worker.presence.tasks {
                *live_workers.entry(task).or_insert(0) += 1;
            }
        }
        Ok(self.put(Snapshot::put_together(&self.own, published, live_workers)))
    }

    /// The task of this name and the number of workers that serve it.
    ///
    /// # Errors
    /// Unknown, with the nearest name; or Redis is away and nobody else knows the task.
    pub(crate) async fn find(&self, name: &str) -> Result<(Arc<Task>, u64), Problem> {
        let known = |snapshot: &Snapshot| Some((Arc::clone(snapshot.task(name)?), snapshot.live_workers(name)));
        let found = known(&*self.current().await);
        // A task without a worker is looked up again: its first worker may just have come.
        if let Some((task, live @ 1..)) = found {
            return Ok((task, live));
        }
        match (self.renewed().await, found) {
            (Ok(snapshot), _) => known(&snapshot).ok_or_else(|| snapshot.unknown(name)),
            (Err(_), Some(found)) => Ok(found),
            (Err(why), None) => Err(why),
        }
    }

    /// The problem of a name that is not a task's.
    pub(crate) async fn unknown(&self, name: &str) -> Problem {
        self.current().await.unknown(name)
    }

    /// Whether this process' own file defines the task.
    pub(crate) fn is_own(&self, name: &str) -> bool {
        self.own.contains_key(name)
    }

    /// The name of the task that has this path as its `route`.
    pub(crate) async fn route(&self, path: &str) -> Option<String> {
        self.current().await.routes.get(path).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(name: &str, timeout_ms: u64) -> TaskCard {
        serde_json::from_value(serde_json::json!({
            "name": name, "timeout_ms": timeout_ms, "max_timeout_ms": timeout_ms, "retries": 0, "retention_ms": 1,
            "route": format!("/old/{name}")
        }))
        .unwrap()
    }

    fn tasks(cards: &[TaskCard]) -> HashMap<String, Arc<Task>> {
        cards.iter().map(|card| (card.name.to_string(), Task::new(card.clone()))).collect()
    }

    #[test]
    fn a_live_workers_definition_counts_then_the_own_then_the_remembered() {
        let own = tasks(&[card("both", 1), card("mine", 1), card("idle", 1)]);
        let published = tasks(&[card("both", 2), card("theirs", 2), card("idle", 2)]);
        let live = HashMap::from([("both".to_owned(), 3)]);
        let snapshot = Snapshot::put_together(&own, published, live);
        let timeout = |name: &str| snapshot.task(name).map(|task| task.card.timeout_ms);
        assert_eq!(["both", "mine", "theirs", "idle", "none"].map(timeout), [Some(2), Some(1), Some(2), Some(1), None]);
        assert_eq!((snapshot.live_workers("both"), snapshot.live_workers("mine")), (3, 0));
        assert_eq!(snapshot.routes["/old/mine"], "mine");
    }

    #[test]
    fn an_unknown_task_names_the_nearest() {
        let snapshot = Snapshot::put_together(&tasks(&[card("factor", 1)]), HashMap::new(), HashMap::new());
        let problem = snapshot.unknown("factr");
        assert_eq!(problem.code(), Code::UnknownTask);
        assert_eq!(problem.detail(), "There is no task `factr`. Did you mean `factor`? Known tasks: factor.");
        assert_eq!(snapshot.unknown("zzz").detail(), "There is no task `zzz`. Known tasks: factor.");
    }
}
