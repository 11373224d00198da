//! Calling: one round trip for any number of commands, with a deadline, and the two repetitions that need no caller:
//! once when a pooled connection turns out to be dead, once when the library is not there.

use super::{
    Queue, QueueError,
    reply::{parsed, text},
};
use redis::{Cmd, Pipeline, Value};

impl Queue {
    /// A call of a function of the library; its arguments are to follow.
    pub(super) fn function(&self, name: &str) -> Cmd {
        let mut command = redis::cmd("FCALL");
        command.arg(name).arg(1).arg(self.keys.base());
        command
    }

    /// As [`Queue::function`], for one that only reads.
    pub(super) fn reading(&self, name: &str) -> Cmd {
        let mut command = redis::cmd("FCALL_RO");
        command.arg(name).arg(1).arg(self.keys.base());
        command
    }

    /// One command, one answer.
    pub(super) async fn ask(&self, command: Cmd) -> Result<Value, QueueError> {
        let mut answers = self.ask_all(vec![command]).await?;
        answers.pop().ok_or_else(|| QueueError::Garbled("no answer at all".into()))
    }

    /// Several commands in one round trip; an error of any is an error of all.
    pub(super) async fn ask_all(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, QueueError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for command in commands {
            pipeline.add_command(command);
        }
        pipeline.ignore_errors();
        let answers = self.exchange(&pipeline).await?;
        if !answers.iter().any(is_missing_library) {
            return checked(answers);
        }
        self.load_library().await?;
        checked(self.exchange(&pipeline).await?)
    }

    /// As [`Queue::ask_all`], for what counts only once `wait_replicas` replicas have it.
    ///
    /// `WAIT` answers for the writes of its own connection. A repeated call may write nothing (it was done before), and on a
    /// fresh connection `WAIT` would then answer at once; so a write of its own goes before each.
    pub(super) async fn ask_replicated(&self, mut commands: Vec<Cmd>) -> Result<Vec<Value>, QueueError> {
        if self.wait_replicas == 0 || commands.is_empty() {
            return self.ask_all(commands).await;
        }
        let mut mark = redis::cmd("SET");
        mark.arg(self.keys.sync()).arg(1);
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.wait_replicas).arg(u64::try_from((self.deadline * 2 / 3).as_millis()).unwrap_or(1_000));
        commands.extend([mark, wait]);
        let mut answers = self.ask_all(commands).await?;
        let got = answers.pop().map(text).transpose()?.map(|got| parsed(&got)).transpose()?.unwrap_or(0);
        answers.pop();
        if got < self.wait_replicas {
            return Err(QueueError::NotReplicated { got, wanted: self.wait_replicas });
        }
        Ok(answers)
    }

    /// [`Queue::ask_replicated`] for one command.
    pub(super) async fn ask_one_replicated(&self, command: Cmd) -> Result<Value, QueueError> {
        let mut answers = self.ask_replicated(vec![command]).await?;
        answers.pop().ok_or_else(|| QueueError::Garbled("no answer at all".into()))
    }

    /// Sends and receives. A pooled connection may have died unseen (the server was restarted): then once more on a new one.
    async fn exchange(&self, pipeline: &Pipeline) -> Result<Vec<Value>, QueueError> {
        let mut repeated = false;
        loop {
            let mut link = self.pool.get().await.map_err(|error| QueueError::from_pool(error, self.deadline))?;
            let stale = link.used && !repeated;
            link.unfinished = true;
            match pipeline.query_async::<Vec<Value>>(&mut link.connection).await {
                Ok(answers) => {
                    // A server that has become a replica refuses writes for good: the next link may reach the new primary.
                    link.unfinished = answers.iter().any(is_read_only);
                    link.used = true;
                    return Ok(answers);
                }
                Err(error) if error.is_timeout() => return Err(QueueError::Slow(self.deadline)),
                Err(error) if stale && error.is_io_error() => {
                    self.pool.retain(|_, _| false);
                    repeated = true;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// An argument that may be left out: empty text stands for absent.
pub(super) fn absent_or(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn checked(answers: Vec<Value>) -> Result<Vec<Value>, QueueError> {
    answers
        .into_iter()
        .map(|answer| match answer {
            Value::ServerError(error) => Err(QueueError::from_server(&error)),
            other => Ok(other),
        })
        .collect()
}

fn is_missing_library(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.details() == Some("Function not found"))
}

fn is_read_only(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.code() == "READONLY")
}
