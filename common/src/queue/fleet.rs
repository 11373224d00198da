//! Reading the fleet: tasks with their queues, workers with what they hold.

use super::{
    Presence, Queue, QueueError, TaskCard,
    reply::{Items, pairs, parsed, text},
    tasks::read_cards,
    times::read_run_times,
};
use crate::model::{JobId, RunTimes, State, TaskName};
use redis::{Cmd, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A worker that has not beaten for this long is not there, ms. (`PRESENCE_MS` of the library.)
pub(super) const PRESENCE_MS: i64 = 10_000;
/// A definition that no worker has brought for this long is forgotten, ms. (`FORGOTTEN` of the library.)
const DEFINITION_MS: i64 = 90_000;
/// Score = priority x this + ready ms. (`PRIORITY_STEP` of the library.)
pub(super) const PRIORITY_STEP: i64 = 10_000_000_000_000;

/// A task with its queue.
#[derive(Debug, Clone)]
pub struct TaskStatus {
    /// Its name.
    pub name: TaskName,
    /// Its definition, when a worker published it.
    pub card: Option<TaskCard>,
    /// Jobs that wait now.
    pub queued: u64,
    /// Jobs that wait for their time.
    pub scheduled: u64,
    /// Jobs that run.
    pub running: u64,
    /// No claims are given.
    pub paused: bool,
    /// `ready_at` of the oldest job of the most urgent priority that waits, ms.
    pub oldest_at: Option<i64>,
    /// Workers that serve it now.
    pub live_workers: u64,
    /// Two definitions are about.
    pub conflict: bool,
    /// How long its latest jobs have run.
    pub run_times: RunTimes,
}

/// A worker that beat lately.
#[derive(Debug, Clone)]
pub struct WorkerStatus {
    /// What it says of itself.
    pub presence: Presence,
    /// Its last heartbeat, server time, ms.
    pub seen_at: i64,
    /// What it holds.
    pub jobs: Vec<JobId>,
}

impl Queue {
    /// Every task that a worker published or that holds jobs.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn tasks(&self) -> Result<Vec<TaskStatus>, QueueError> {
        let mut answers = self
            .ask_all(vec![
                command("HGETALL", self.keys.tasks()),
                command("HGETALL", self.keys.counts()),
                command("SMEMBERS", self.keys.paused()),
                redis::cmd("TIME"),
            ])
            .await?
            .into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let mut cards = read_cards(next())?;
        let counts = read_counts(next())?;
        let paused: BTreeSet<String> = Items::of(next())?.rest().map(text).collect::<Result<_, _>>()?;
        let now = Items::of(next())?.parsed::<i64>()? * 1_000;

        let holding = counts.iter().filter(|(_, by_state)| by_state.values().any(|count| *count > 0));
        let names: BTreeSet<TaskName> = cards.keys().chain(holding.map(|(name, _)| name)).cloned().collect();
        let mut asks = Vec::with_capacity(names.len() * 4);
        for name in &names {
            let mut head = command("ZRANGE", self.keys.queue(name));
            head.arg(0).arg(0).arg("WITHSCORES");
            let mut live = command("ZCOUNT", self.keys.serving(name));
            live.arg(format!("({}", now - PRESENCE_MS)).arg("+inf");
            asks.extend([head, live, command("HVALS", self.keys.definitions(name)), self.run_times_ask(name)]);
        }
        let mut answers = self.ask_all(asks).await?.into_iter();
        let mut tasks = Vec::with_capacity(names.len());
        for name in names {
            let mut next = || answers.next().unwrap_or_default();
            let oldest_at = read_head(next())?;
            let live_workers = parsed(&text(next())?)?;
            let definitions = Items::of(next())?.rest().filter_map(|seen| last_seen(&text(seen).ok()?));
            let about = definitions.filter(|last| now - last <= DEFINITION_MS).count();
            let run_times = read_run_times(next())?;
            let count = |state| counts.get(&name).and_then(|of_task| of_task.get(&state)).copied().unwrap_or(0);
            tasks.push(TaskStatus {
                card: cards.remove(&name),
                queued: count(State::Queued),
                scheduled: count(State::Scheduled),
                running: count(State::Running),
                paused: paused.contains(name.as_str()),
                oldest_at,
                live_workers,
                conflict: about > 1,
                run_times,
                name,
            });
        }
        Ok(tasks)
    }

    /// Every worker that beat lately.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn workers(&self) -> Result<Vec<WorkerStatus>, QueueError> {
        let mut known = command("ZRANGE", self.keys.workers());
        known.arg(0).arg(-1);
        let ids: Vec<String> = Items::of(self.ask(known).await?)?.rest().map(text).collect::<Result<_, _>>()?;
        let asks = ids
            .iter()
            .flat_map(|id| [command("HGETALL", self.keys.worker(id)), command("HVALS", self.keys.held(id))])
            .collect();
        let mut answers = self.ask_all(asks).await?.into_iter();
        let mut workers = Vec::new();
        for id in ids {
            let seen: HashMap<String, Vec<u8>> = pairs(answers.next().unwrap_or_default())?.into_iter().collect();
            let held = Items::of(answers.next().unwrap_or_default())?;
            // Gone for more than its presence lasts: the sweep takes its name away later.
            let Some(presence) = seen.get("presence") else { continue };
            let Ok(mut presence) = serde_json::from_slice::<Presence>(presence) else {
                tracing::warn!(worker = id, "the presence of worker {id} cannot be read");
                continue;
            };
            // It says so itself from its next heartbeat on.
            presence.draining |= seen.contains_key("drain");
            let seen_at = seen.get("seen_at").map(|at| String::from_utf8_lossy(at).into_owned()).unwrap_or_default();
            let jobs = held.rest().filter_map(|job| text(job).ok()?.parse::<JobId>().ok()).collect();
            workers.push(WorkerStatus { presence, seen_at: parsed(&seen_at)?, jobs });
        }
        workers.sort_by(|one, other| one.presence.id.cmp(&other.presence.id));
        Ok(workers)
    }
}

pub(super) fn command(name: &str, key: String) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(key);
    command
}

/// `<task>:<state>` -> number, sorted out. A gauge that a hand made negative reads as 0.
pub(super) fn read_counts(answer: Value) -> Result<BTreeMap<TaskName, HashMap<State, u64>>, QueueError> {
    let mut counts: BTreeMap<TaskName, HashMap<State, u64>> = BTreeMap::new();
    for (name, value) in pairs(answer)? {
        let Some((Ok(task), Ok(state))) = name.rsplit_once(':').map(|(task, state)| (task.parse(), state.parse()))
        else {
            continue;
        };
        let count = String::from_utf8_lossy(&value).parse::<i64>().unwrap_or(0);
        counts.entry(task).or_default().insert(state, u64::try_from(count).unwrap_or(0));
    }
    Ok(counts)
}

/// Of `<first seen>-<last seen>`.
fn last_seen(seen: &str) -> Option<i64> {
    seen.split_once('-')?.1.parse().ok()
}

/// `ready_at` of a queue's head.
pub(super) fn read_head(answer: Value) -> Result<Option<i64>, QueueError> {
    let mut head = Items::of(answer)?;
    head.value();
    Ok(head.maybe_parsed::<f64>()?.map(|score| {
        #[expect(clippy::cast_possible_truncation, reason = "scores are whole numbers below 2^53")]
        let score = score as i64;
        score % PRIORITY_STEP
    }))
}
