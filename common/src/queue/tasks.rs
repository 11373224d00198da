//! The registry of tasks, and pausing.

use super::{Queue, QueueError, reply::pairs, reply::parsed, reply::text};
use crate::model::{OutputKind, TaskDef, TaskName};
use redis::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the registry tells of a task: enough for an API without a file of its own to check a request. Never its
/// command, environment, user or paths.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskCard {
    /// Its name.
    pub name: TaskName,
    /// One line for people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    /// Deadline when a client asks for none, ms.
    pub timeout_ms: u64,
    /// Longest deadline a client may ask for, ms.
    pub max_timeout_ms: u64,
    /// Start-by bound when a client asks for none, ms.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_ms: Option<u64>,
    /// Retries when a client asks for none.
    pub retries: u32,
    /// How standard output becomes the result.
    #[serde(default)]
    pub output: OutputKind,
    /// Most waiting jobs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_queued: Option<u64>,
    /// Kept after its end, ms.
    pub retention_ms: u64,
    /// A further URL path that submits it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub route: Option<String>,
    /// JSON Schema of the input.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub input_schema: Option<serde_json::Value>,
}

impl From<&TaskDef> for TaskCard {
    fn from(task: &TaskDef) -> Self {
        Self {
            name: task.name.clone(),
            description: task.description.clone(),
            timeout_ms: task.timeout_ms,
            max_timeout_ms: task.max_timeout_ms,
            expires_ms: task.expires_ms,
            retries: task.retries,
            output: task.output,
            max_queued: task.max_queued,
            retention_ms: task.retention_ms,
            route: task.route.clone(),
            input_schema: task.input_schema.clone(),
        }
    }
}

impl Queue {
    /// Publishes a worker's catalogue. The definition first seen last wins while a rolling deploy has two.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn register_tasks(&self, cards: &[TaskCard]) -> Result<(), QueueError> {
        let mut call = self.function("dayfly_register");
        for card in cards {
            let definition = serde_json::to_string(card).map_err(|error| QueueError::Garbled(error.to_string()))?;
            call.arg(card.name.as_str()).arg(definition);
        }
        self.ask(call).await.map(drop)
    }

    /// The registry.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn registered_tasks(&self) -> Result<Vec<TaskCard>, QueueError> {
        let mut ask = redis::cmd("HGETALL");
        ask.arg(self.keys.tasks());
        Ok(read_cards(self.ask(ask).await?)?.into_values().collect())
    }

    /// Stops (or lets go on) the claiming of a task's jobs; running ones go on. `false` when it was so already.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn set_paused(&self, task: &TaskName, paused: bool) -> Result<bool, QueueError> {
        let mut call = self.function(if paused { "dayfly_pause" } else { "dayfly_resume" });
        call.arg(task.as_str());
        Ok(parsed::<i64>(&text(self.ask(call).await?)?)? == 1)
    }
}

impl Queue {
    /// Whether no job of the task is given out.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn is_paused(&self, task: &TaskName) -> Result<bool, QueueError> {
        let mut ask = redis::cmd("SISMEMBER");
        ask.arg(self.keys.paused()).arg(task.as_str());
        Ok(parsed::<i64>(&text(self.ask(ask).await?)?)? == 1)
    }
}

/// The registry as stored. A definition that cannot be read (a later revision's, a hand's) is left out, and said.
pub(super) fn read_cards(answer: Value) -> Result<BTreeMap<TaskName, TaskCard>, QueueError> {
    let mut cards = BTreeMap::new();
    for (name, definition) in pairs(answer)? {
        match serde_json::from_slice::<TaskCard>(&definition) {
            Ok(card) => drop(cards.insert(card.name.clone(), card)),
            Err(error) => tracing::warn!(task = name, %error, "the registry's definition of {name} cannot be read"),
        }
    }
    Ok(cards)
}
