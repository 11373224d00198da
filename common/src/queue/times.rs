//! Recent run times of tasks, and which of them wait: what an estimate is made of.

use super::{
    Queue, QueueError,
    reply::{Items, parsed, text},
};
use crate::model::{RunTimes, TaskName};
use redis::{Cmd, Value};
use std::collections::{HashMap, HashSet};

/// Run times looked at, the latest. (`TIMES_KEPT` of the library.)
const KEPT: usize = 64;

/// At what pace tasks go on.
#[derive(Debug, Clone, Default)]
pub struct Paces {
    /// Recent run times, by task.
    pub run_times: HashMap<TaskName, RunTimes>,
    /// Tasks of which jobs wait.
    pub waiting: HashSet<String>,
    /// Tasks of which no job is given out.
    pub paused: HashSet<String>,
}

impl Queue {
    /// The pace of some tasks, in one round trip.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn paces(&self, tasks: Vec<TaskName>) -> Result<Paces, QueueError> {
        let members = |key: String| {
            let mut ask = redis::cmd("SMEMBERS");
            ask.arg(key);
            ask
        };
        let mut asks = vec![members(self.keys.queues()), members(self.keys.paused())];
        asks.extend(tasks.iter().map(|task| self.run_times_ask(task)));
        let mut answers = self.ask_all(asks).await?.into_iter();
        let mut names = || Items::of(answers.next().unwrap_or_default())?.rest().map(text).collect::<Result<_, _>>();
        let (waiting, paused) = (names()?, names()?);
        let times = |(task, answer)| Ok((task, read_run_times(answer)?));
        let run_times = tasks.into_iter().zip(answers).map(times).collect::<Result<_, QueueError>>()?;
        Ok(Paces { run_times, waiting, paused })
    }

    pub(super) fn run_times_ask(&self, task: &TaskName) -> Cmd {
        let mut ask = redis::cmd("LRANGE");
        ask.arg(self.keys.times(task)).arg(0).arg(KEPT - 1);
        ask
    }
}

pub(super) fn read_run_times(answer: Value) -> Result<RunTimes, QueueError> {
    let ms: Result<Vec<u64>, QueueError> = Items::of(answer)?.rest().map(|ms| parsed(&text(ms)?)).collect();
    Ok(RunTimes::new(ms?))
}
