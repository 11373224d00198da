//! The registry of tasks, and pausing.

use super::{Queue, QueueError};
use crate::model::{OutputKind, TaskDef, TaskName};
use serde::{Deserialize, Serialize};

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
        let _ = cards;
        todo!()
    }

    /// The registry.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn registered_tasks(&self) -> Result<Vec<TaskCard>, QueueError> {
        todo!()
    }

    /// Stops (or lets go on) the claiming of a task's jobs; running ones go on. `false` when it was so already.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn set_paused(&self, task: &TaskName, paused: bool) -> Result<bool, QueueError> {
        let _ = (task, paused);
        todo!()
    }
}
