//! Wake-ups: hints that make things fast. Every path works with all of them lost.

use super::{Queue, QueueError, reply::Items};
use crate::model::{JobId, TaskName};
use futures_util::{Stream, StreamExt as _};
use redis::{Msg, Value, aio::MultiplexedConnection};
use std::{fmt, pin::Pin, time::Duration};

/// What ended a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// A token of this task.
    Token(TaskName),
    /// Nothing came in time.
    Silence,
}

/// Blocks on the wake lists of a worker's tasks, on a connection of its own.
pub struct WakeListener {
    connection: MultiplexedConnection,
    /// Lists and the tasks they belong to.
    lists: Vec<(String, TaskName)>,
    /// What an answer may take on top of the wait.
    slack: Duration,
}

/// Hears the ids of running jobs whose cancel was just asked for, on a connection of its own.
pub struct CancelListener {
    messages: Pin<Box<dyn Stream<Item = Msg> + Send>>,
}

impl fmt::Debug for WakeListener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WakeListener").field("lists", &self.lists).finish_non_exhaustive()
    }
}

impl fmt::Debug for CancelListener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CancelListener").finish_non_exhaustive()
    }
}

impl Queue {
    /// A listener for the tasks' tokens.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn wake_listener(&self, tasks: &[TaskName]) -> Result<WakeListener, QueueError> {
        let lists = tasks.iter().map(|task| (self.keys.wake(task), task.clone())).collect();
        Ok(WakeListener { connection: self.dedicated().await?, lists, slack: self.deadline })
    }

    /// Puts a token back that came when no slot was free.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn push_token(&self, task: &TaskName) -> Result<(), QueueError> {
        let mut call = self.function("dayfly_wake");
        call.arg(task.as_str());
        self.ask(call).await.map(drop)
    }

    /// A listener for cancels.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn cancel_listener(&self) -> Result<CancelListener, QueueError> {
        let mut subscriber = self.subscriber().await?;
        tokio::time::timeout(self.deadline, subscriber.subscribe(self.keys.cancel_channel()))
            .await
            .map_err(|_| QueueError::Slow(self.deadline))??;
        Ok(CancelListener { messages: Box::pin(subscriber.into_on_message()) })
    }
}

impl WakeListener {
    /// Waits for a token at most `bound`. Not cancel-safe: a dropped wait may lose a token (harmless, but slow) and makes
    /// the listener unusable.
    ///
    /// # Errors
    /// See [`QueueError`]; then the listener is of no further use.
    pub async fn wait(&mut self, bound: Duration) -> Result<Wake, QueueError> {
        if self.lists.is_empty() {
            tokio::time::sleep(bound).await;
            return Ok(Wake::Silence);
        }
        let mut pop = redis::cmd("BLPOP");
        for (list, _) in &self.lists {
            pop.arg(list);
        }
        // 0 would wait for ever.
        pop.arg(format!("{:.3}", bound.as_secs_f64().max(0.001)));
        let limit = bound + self.slack;
        let answer = tokio::time::timeout(limit, pop.query_async::<Value>(&mut self.connection))
            .await
            .map_err(|_| QueueError::Slow(limit))??;
        if answer == Value::Nil {
            return Ok(Wake::Silence);
        }
        let list = Items::of(answer)?.text()?;
        let task = self.lists.iter().find(|(known, _)| *known == list).map(|(_, task)| task.clone());
        task.map(Wake::Token).ok_or_else(|| QueueError::Garbled(format!("BLPOP answered from {list}")))
    }
}

impl CancelListener {
    /// The next id. Cancel-safe.
    ///
    /// # Errors
    /// The connection broke: open another.
    pub async fn next(&mut self) -> Result<JobId, QueueError> {
        loop {
            let Some(message) = self.messages.next().await else {
                return Err(QueueError::Unreachable("the subscription ended".into()));
            };
            // Anybody may publish by hand; what is no id is no cancel.
            match message.get_payload::<String>().ok().and_then(|text| text.parse().ok()) {
                Some(id) => return Ok(id),
                None => tracing::warn!("a message on the cancel channel is not a job id"),
            }
        }
    }
}
