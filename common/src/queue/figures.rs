//! The numbers of the whole installation, for metrics: read in two round trips, whatever the number of jobs.

use super::{
    Presence, Queue, QueueError,
    fleet::{PRESENCE_MS, PRIORITY_STEP, command, read_counts, read_head},
    reply::{Items, pairs, parsed, text},
};
use crate::model::{State, TaskName};
use redis::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Priorities, most urgent first: a task's oldest job may be of any.
const PRIORITIES: std::ops::RangeInclusive<i64> = 0..=9;

/// The numbers of one moment.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// By task.
    pub tasks: BTreeMap<TaskName, TaskFigures>,
    /// The slots of live workers.
    pub slots: Slots,
    /// Live workers.
    pub workers: u64,
    /// Leases that ever ran out.
    pub leases_expired: u64,
    /// `used_memory` and `maxmemory`, bytes; `None` without the right to `INFO`.
    pub memory: Option<(u64, u64)>,
}

/// The numbers of a task.
#[derive(Debug, Clone, Default)]
pub struct TaskFigures {
    /// Jobs by state: there now, or, of terminal states, that ever were.
    pub counts: HashMap<State, u64>,
    /// Jobs that ever failed, by the kind of their error.
    pub failures: BTreeMap<String, u64>,
    /// For how long the oldest queued job could have run, ms; 0 when none waits.
    pub oldest_ms: u64,
    /// Live workers that serve it.
    pub workers: u64,
    /// No claims are given.
    pub paused: bool,
}

/// Slots of live workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slots {
    /// That run a job.
    pub busy: u64,
    /// That could.
    pub free: u64,
    /// That have none and take none any more.
    pub draining: u64,
}

impl Queue {
    /// The numbers now.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn figures(&self) -> Result<Figures, QueueError> {
        let mut known = command("ZRANGE", self.keys.workers());
        known.arg(0).arg(-1);
        let mut expired = command("HGET", self.keys.sweep());
        expired.arg("leases_expired");
        let asks = vec![
            command("HGETALL", self.keys.counts()),
            command("HGETALL", self.keys.failures()),
            command("SMEMBERS", self.keys.paused()),
            command("HKEYS", self.keys.tasks()),
            known,
            expired,
            redis::cmd("TIME"),
        ];
        let mut answers = self.ask_all(asks).await?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let mut tasks: BTreeMap<TaskName, TaskFigures> = BTreeMap::new();
        for (name, counts) in read_counts(next())? {
            tasks.entry(name).or_default().counts = counts;
        }
        for (name, value) in pairs(next())? {
            let Some((Ok(task), kind)) = name.split_once(':').map(|(task, kind)| (task.parse(), kind)) else {
                continue;
            };
            let count = String::from_utf8_lossy(&value).parse().unwrap_or(0);
            tasks.entry(task).or_default().failures.insert(kind.to_owned(), count);
        }
        let paused: BTreeSet<String> = Items::of(next())?.rest().map(text).collect::<Result<_, _>>()?;
        for name in Items::of(next())?.rest().filter_map(|name| text(name).ok()?.parse().ok()) {
            tasks.entry(name).or_default();
        }
        let ids: Vec<String> = Items::of(next())?.rest().map(text).collect::<Result<_, _>>()?;
        let leases_expired = match next() {
            Value::Nil => 0,
            number => parsed(&text(number)?)?,
        };
        let now = Items::of(next())?.parsed::<i64>()? * 1_000;
        for (name, figures) in &mut tasks {
            figures.paused = paused.contains(name.as_str());
        }
        let mut figures = Figures { tasks, leases_expired, memory: self.memory().await?, ..Figures::default() };
        self.look_closer(&mut figures, &ids, now).await?;
        Ok(figures)
    }

    /// The second round trip: how old the heads of queues are, who serves what, what workers do.
    async fn look_closer(&self, figures: &mut Figures, ids: &[String], now: i64) -> Result<(), QueueError> {
        let mut asks = Vec::new();
        for (name, of_task) in &figures.tasks {
            let mut live = command("ZCOUNT", self.keys.serving(name));
            live.arg(format!("({}", now - PRESENCE_MS)).arg("+inf");
            asks.push(live);
            for priority in PRIORITIES.take_while(|_| waits(of_task)) {
                let mut head = command("ZRANGE", self.keys.queue(name));
                head.arg(priority * PRIORITY_STEP).arg(format!("({}", (priority + 1) * PRIORITY_STEP));
                head.arg("BYSCORE").arg("LIMIT").arg(0).arg(1).arg("WITHSCORES");
                asks.push(head);
            }
        }
        for id in ids {
            let mut presence = command("HMGET", self.keys.worker(id));
            presence.arg("presence").arg("drain");
            asks.push(presence);
        }
        let mut answers = self.ask_all(asks).await?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        for of_task in figures.tasks.values_mut() {
            of_task.workers = parsed(&text(next())?)?;
            let mut oldest: Option<i64> = None;
            for _ in PRIORITIES.take_while(|_| waits(of_task)) {
                oldest = oldest.into_iter().chain(read_head(next())?).min();
            }
            of_task.oldest_ms = oldest.map_or(0, |at| u64::try_from(now.saturating_sub(at)).unwrap_or(0));
        }
        for _ in ids {
            let mut seen = Items::of(next())?;
            let presence = seen.maybe_bytes()?.and_then(|json| serde_json::from_slice::<Presence>(&json).ok());
            let Some(presence) = presence else { continue };
            figures.workers += 1;
            let busy = u64::from(presence.busy.min(presence.slots));
            let idle = u64::from(presence.slots) - busy;
            figures.slots.busy += busy;
            let leaves = presence.draining || seen.maybe_bytes()?.is_some();
            *if leaves { &mut figures.slots.draining } else { &mut figures.slots.free } += idle;
        }
        Ok(())
    }

    async fn memory(&self) -> Result<Option<(u64, u64)>, QueueError> {
        let mut info = redis::cmd("INFO");
        info.arg("memory");
        let info = match self.ask(info).await {
            Ok(info) => text(info)?,
            Err(QueueError::Refused(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let field = |name: &str| {
            let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.and_then(|value| value.trim().parse().ok())
        };
        Ok(field("used_memory").zip(field("maxmemory")))
    }
}

fn waits(task: &TaskFigures) -> bool {
    task.counts.get(&State::Queued).is_some_and(|count| *count > 0)
}
