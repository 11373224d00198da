//! Wake-ups: hints that make things fast. Every path works with all of them lost.

use super::{Queue, QueueError, reply::Items, term::Tenure};
use crate::{
    keys::Keys,
    model::{JobId, TaskName},
};
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

/// Blocks on the wake lists of tasks, on a connection of its own.
pub struct WakeListener {
    connection: MultiplexedConnection,
    tenure: Tenure,
    /// `None` where this user may not ask for it.
    id: Option<ListenerId>,
    keys: Keys,
    /// What an answer may take on top of the wait.
    slack: Duration,
}

/// What the server calls a listener's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerId(i64);

/// Hears the ids of running jobs whose cancel was just asked for, on a connection of its own.
pub struct CancelListener {
    messages: Pin<Box<dyn Stream<Item = Msg> + Send>>,
    tenure: Tenure,
}

impl fmt::Debug for WakeListener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("WakeListener").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for CancelListener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CancelListener").finish_non_exhaustive()
    }
}

impl Queue {
    /// A listener for tokens.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn wake_listener(&self) -> Result<WakeListener, QueueError> {
        let (mut connection, tenure) = self.dedicated().await?;
        let ask = redis::cmd("CLIENT").arg("ID").to_owned();
        let id = tokio::time::timeout(self.deadline, ask.query_async::<i64>(&mut connection))
            .await
            .map_err(|_| QueueError::Slow(self.deadline))?
            .ok()
            .map(ListenerId);
        Ok(WakeListener { connection, tenure, id, keys: self.keys.clone(), slack: self.deadline })
    }

    /// Ends the wait of a listener as if its bound were over, so that it can wait for other tasks: no token is lost
    /// (<https://redis.io/commands/client-unblock/>). Of no effect while it does not wait, which it may not do yet.
    ///
    /// # Errors
    /// See [`QueueError`]; [`QueueError::Refused`] when this user may not.
    pub async fn end_wait(&self, listener: ListenerId) -> Result<(), QueueError> {
        let call = redis::cmd("CLIENT").arg("UNBLOCK").arg(listener.0).to_owned();
        self.ask(call).await.map(drop)
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
        let (mut subscriber, tenure) = self.subscriber().await?;
        tokio::time::timeout(self.deadline, subscriber.subscribe(self.keys.cancel_channel()))
            .await
            .map_err(|_| QueueError::Slow(self.deadline))??;
        Ok(CancelListener { messages: Box::pin(subscriber.into_on_message()), tenure })
    }
}

impl WakeListener {
    /// For [`Queue::end_wait`]; `None` where this user may not know it.
    #[must_use]
    pub fn id(&self) -> Option<ListenerId> {
        self.id
    }

    /// Waits for a token of `tasks` at most `bound`. Not cancel-safe: a dropped wait may lose a token (harmless, but slow) and makes
    /// the listener unusable.
    ///
    /// # Errors
    /// See [`QueueError`]; then the listener is of no further use.
    pub async fn wait(&mut self, tasks: &[TaskName], bound: Duration) -> Result<Wake, QueueError> {
        if tasks.is_empty() {
            tokio::time::sleep(bound).await;
            return Ok(Wake::Silence);
        }
        let mut pop = redis::cmd("BLPOP");
        for task in tasks {
            pop.arg(self.keys.wake(task));
        }
        // 0 would wait for ever.
        pop.arg(format!("{:.3}", bound.as_secs_f64().max(0.001)));
        let limit = bound + self.slack;
        let connection = &mut self.connection;
        let asked = async {
            let answer = tokio::time::timeout(limit, pop.query_async::<Value>(connection)).await;
            Ok(answer.map_err(|_| QueueError::Slow(limit))??)
        };
        let answer = self.tenure.while_it_lasts(asked).await?;
        if answer == Value::Nil {
            return Ok(Wake::Silence);
        }
        let list = Items::of(answer)?.text()?;
        let task = tasks.iter().find(|task| self.keys.wake(task) == list).cloned();
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
            let messages = &mut self.messages;
            let heard =
                async { messages.next().await.ok_or_else(|| QueueError::Unreachable("the subscription ended".into())) };
            let message = self.tenure.while_it_lasts(heard).await?;
            // Anybody may publish by hand; what is no id is no cancel.
            match message.get_payload::<String>().ok().and_then(|text| text.parse().ok()) {
                Some(id) => return Ok(id),
                None => tracing::warn!("a message on the cancel channel is not a job id"),
            }
        }
    }
}
