//! How many jobs stood in each state, minute by minute (`minutes`, written by the sweep), and how they stand now.

use super::{
    EntryId, Queue, QueueError,
    fleet::read_counts,
    reply::{Items, pairs, parsed, text},
};
use crate::model::{State, TaskName};
use redis::Value;
use std::collections::{BTreeMap, HashMap};

/// Numbers of jobs by state: now for those that have not ended, ever for those that have.
pub type ByState = HashMap<State, u64>;

/// The numbers of one minute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Minute {
    /// When they were noted, ms since the epoch, server time.
    pub at: i64,
    /// Over all tasks.
    pub sums: ByState,
    /// Of the first hundred tasks by name: ever succeeded, ever failed.
    pub tasks: BTreeMap<TaskName, (u64, u64)>,
}

/// How it stands now.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    /// Server time, ms.
    pub now: i64,
    /// By task and state; the totals of ended jobs count those whose retention is over, too.
    pub tasks: BTreeMap<TaskName, ByState>,
    /// Ended jobs whose records are still there, or were until a moment ago.
    pub kept: ByState,
}

impl Numbers {
    /// Over all tasks.
    #[must_use]
    pub fn sum(&self, state: State) -> u64 {
        self.tasks.values().filter_map(|of_task| of_task.get(&state)).sum()
    }

    /// Of one task.
    #[must_use]
    pub fn of(&self, task: &str, state: State) -> u64 {
        let found = self.tasks.iter().find(|(name, _)| name.as_str() == task);
        found.and_then(|(_, of_task)| of_task.get(&state)).copied().unwrap_or(0)
    }

    /// The same as a [`Minute`], for what has happened since the last one.
    #[must_use]
    pub fn as_minute(&self) -> Minute {
        let of = |of_task: &ByState, state| of_task.get(&state).copied().unwrap_or(0);
        let tasks = self.tasks.iter();
        Minute {
            at: self.now,
            sums: State::ALL.into_iter().map(|state| (state, self.sum(state))).collect(),
            tasks: tasks
                .map(|(name, all)| (name.clone(), (of(all, State::Succeeded), of(all, State::Failed))))
                .collect(),
        }
    }
}

impl Queue {
    /// How it stands now, in one round trip whatever the number of jobs.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn numbers(&self) -> Result<Numbers, QueueError> {
        let ended = || State::ALL.into_iter().filter(|state| state.is_terminal());
        let mut asks = vec![redis::cmd("TIME"), redis::cmd("HGETALL")];
        asks[1].arg(self.keys.counts());
        asks.extend(ended().map(|state| {
            let mut ask = redis::cmd("ZCARD");
            ask.arg(self.keys.finished(state));
            ask
        }));
        let mut answers = self.ask_all(asks).await?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let mut time = Items::of(next())?;
        let now = time.parsed::<i64>()? * 1_000 + time.parsed::<i64>()? / 1_000;
        let tasks = read_counts(next())?;
        let kept = ended().map(|state| Ok((state, parsed(&text(next())?)?))).collect::<Result<_, QueueError>>()?;
        Ok(Numbers { now, tasks, kept })
    }

    /// What was noted first at or after each of these times (ms since the epoch), in one round trip; none twice.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn minutes(&self, times: impl Iterator<Item = i64>) -> Result<Vec<Minute>, QueueError> {
        let asks = times.map(|at| {
            let mut ask = redis::cmd("XRANGE");
            ask.arg(self.keys.minutes()).arg(at.max(0)).arg("+").arg("COUNT").arg(1);
            ask
        });
        let mut minutes: Vec<Minute> = Vec::new();
        for answer in self.ask_all(asks.collect()).await? {
            for entry in Items::of(answer)?.rest() {
                let minute = read_minute(entry)?;
                if minutes.last().is_none_or(|last| last.at < minute.at) {
                    minutes.push(minute);
                }
            }
        }
        Ok(minutes)
    }
}

fn read_minute(entry: Value) -> Result<Minute, QueueError> {
    let mut entry = Items::of(entry)?;
    let mut minute = Minute { at: entry.parsed::<EntryId>()?.ms(), ..Minute::default() };
    for (name, value) in pairs(entry.value())? {
        let Ok(number) = String::from_utf8_lossy(&value).parse::<u64>() else { continue };
        match name.rsplit_once(':').map(|(task, state)| (task.parse::<TaskName>(), state.parse::<State>())) {
            None => drop(name.parse().map(|state| minute.sums.insert(state, number))),
            Some((Ok(task), Ok(State::Succeeded))) => minute.tasks.entry(task).or_default().0 = number,
            Some((Ok(task), Ok(State::Failed))) => minute.tasks.entry(task).or_default().1 = number,
            Some((Ok(_) | Err(_), _)) => {}
        }
    }
    Ok(minute)
}
