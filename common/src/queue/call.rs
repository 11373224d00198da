//! Calling: one round trip for any number of commands, with a deadline, and the repetitions that need no caller: once when a
//! pooled connection turns out to be dead, once when the library is not there, and as long as the deadline allows while
//! sentinels or a cluster make another server the primary.

use super::{
    Queue, QueueError,
    cluster::moved_to,
    reply::{parsed, text},
};
use futures_util::FutureExt as _;
use redis::{Cmd, Pipeline, Value};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Before an exchange is repeated while the primary changes.
const PAUSE: Duration = Duration::from_millis(50);

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

    /// As [`Queue::ask`], without loading a library that is missing.
    pub(super) async fn ask_plainly(&self, command: Cmd) -> Result<Value, QueueError> {
        let mut pipeline = Pipeline::with_capacity(1);
        pipeline.add_command(command).ignore_errors();
        let answer = self.exchange(&pipeline).await?.pop();
        answer.ok_or_else(|| QueueError::Garbled("no answer at all".into())).and_then(checked)
    }

    /// Several commands in one round trip; an error of any is an error of all.
    pub(super) async fn ask_all(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, QueueError> {
        self.ask_each(commands).await?.into_iter().map(checked).collect()
    }

    /// Several commands in one round trip, with the refusals of single ones among the answers. Where the library is missing
    /// all of them are sent once more.
    async fn ask_each(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, QueueError> {
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
            return Ok(answers);
        }
        self.load_library().await?;
        self.exchange(&pipeline).await
    }

    /// As [`Queue::ask_all`], for what counts only once `wait_replicas` replicas have it.
    ///
    /// `WAIT` answers for the writes of its own connection. A repeated call may write nothing (it was done before), and on a
    /// fresh connection `WAIT` would then answer at once; so a write of its own goes before each.
    pub(super) async fn ask_replicated(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, QueueError> {
        self.ask_each_replicated(commands).await?.into_iter().collect()
    }

    /// As [`Queue::ask_replicated`]; an error of one command is its own.
    pub(super) async fn ask_each_replicated(
        &self,
        mut commands: Vec<Cmd>,
    ) -> Result<Vec<Result<Value, QueueError>>, QueueError> {
        if self.wait_replicas == 0 || commands.is_empty() {
            return Ok(self.ask_each(commands).await?.into_iter().map(checked).collect());
        }
        let mut mark = redis::cmd("SET");
        mark.arg(self.keys.sync()).arg(1);
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.wait_replicas).arg(u64::try_from((self.deadline * 2 / 3).as_millis()).unwrap_or(1_000));
        commands.extend([mark, wait]);
        let mut answers: Vec<_> = self.ask_each(commands).await?.into_iter().map(checked).collect();
        let got = answers.pop().transpose()?.map(text).transpose()?.map(|got| parsed(&got)).transpose()?.unwrap_or(0);
        answers.pop();
        if got < self.wait_replicas {
            let short = || QueueError::NotReplicated { got, wanted: self.wait_replicas };
            return Ok(answers.into_iter().map(|answer| answer.and_then(|_| Err(short()))).collect());
        }
        Ok(answers)
    }

    /// [`Queue::ask_replicated`] for one command.
    pub(super) async fn ask_one_replicated(&self, command: Cmd) -> Result<Value, QueueError> {
        let mut answers = self.ask_replicated(vec![command]).await?;
        answers.pop().ok_or_else(|| QueueError::Garbled("no answer at all".into()))
    }

    async fn exchange(&self, pipeline: &Pipeline) -> Result<Vec<Value>, QueueError> {
        let begun = std::time::Instant::now();
        let answers = if self.primary.may_move() {
            // Boxed: it is seldom used, and would make the future of every operation large.
            self.exchange_following(pipeline).boxed().await
        } else {
            self.exchange_here(pipeline).await
        };
        self.metrics.note(pipeline, begun, &answers);
        answers
    }

    /// Sends and receives. A pooled connection may have died unseen (the server was restarted): then once more on a new one.
    async fn exchange_here(&self, pipeline: &Pipeline) -> Result<Vec<Value>, QueueError> {
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
                    return if answers.iter().any(|answer| code(answer) == Some("MOVED")) {
                        Err(QueueError::Refused(
                            "MOVED: it is a node of a cluster; begin the URL with redis-cluster://".into(),
                        ))
                    } else {
                        Ok(answers)
                    };
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

    /// Sends and receives, again and again until the primary of the moment answers or the deadline is over. A repetition does
    /// no harm: every operation is idempotent or fenced.
    async fn exchange_following(&self, pipeline: &Pipeline) -> Result<Vec<Value>, QueueError> {
        let until = Instant::now() + self.deadline;
        let mut unanswered = false;
        let mut last = Err(QueueError::Unreachable(format!("no connection within {:?}", self.deadline)));
        loop {
            match self.attempt(pipeline, until).await {
                Attempt::Answered(answers) if !answers.iter().any(is_elsewhere) => return Ok(answers),
                Attempt::Answered(answers) => last = Ok(answers),
                Attempt::Unsent(error) => last = Err(error),
                Attempt::Unanswered => unanswered = true,
                Attempt::OutOfTime => {}
                Attempt::Failed(error) => return Err(error),
            }
            if Instant::now() + PAUSE >= until {
                // What was not answered may have taken effect.
                return if unanswered { Err(QueueError::Slow(self.deadline)) } else { last };
            }
            sleep(PAUSE).await;
        }
    }

    async fn attempt(&self, pipeline: &Pipeline, until: Instant) -> Attempt {
        let mut link = match timeout_at(until, self.pool.get()).await {
            Ok(Ok(link)) => link,
            Ok(Err(error)) => {
                return match QueueError::from_pool(error, self.deadline) {
                    error @ (QueueError::Unreachable(_) | QueueError::Slow(_)) => Attempt::Unsent(error),
                    error if is_passing(&error) => Attempt::Unsent(error),
                    error => Attempt::Failed(error),
                };
            }
            Err(_) => return Attempt::OutOfTime,
        };
        link.unfinished = true;
        match timeout_at(until, pipeline.query_async::<Vec<Value>>(&mut link.connection)).await {
            Ok(Ok(answers)) => {
                link.used = true;
                match answers.iter().find(|answer| is_elsewhere(answer)) {
                    None => link.unfinished = false,
                    Some(Value::ServerError(error)) => match moved_to(error.code(), error.details()) {
                        Some((host, port)) => self.primary.follow(link.term, host, port),
                        None => self.primary.doubt(link.term),
                    },
                    Some(_) => {}
                }
                Attempt::Answered(answers)
            }
            Ok(Err(error)) if error.is_io_error() || error.is_timeout() => {
                self.primary.doubt(link.term);
                Attempt::Unanswered
            }
            Ok(Err(error)) => Attempt::Failed(error.into()),
            Err(_) => {
                self.primary.doubt(link.term);
                Attempt::Unanswered
            }
        }
    }
}

/// How one attempt of an exchange ended.
enum Attempt {
    /// With answers, refusals among them.
    Answered(Vec<Value>),
    /// There was no connection, so nothing was sent.
    Unsent(QueueError),
    /// The same, and nothing is known of the reason.
    OutOfTime,
    /// It was sent, and no answer came.
    Unanswered,
    /// In a way that another attempt would not better.
    Failed(QueueError),
}

/// An argument that may be left out: empty text stands for absent.
pub(super) fn absent_or(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn checked(answer: Value) -> Result<Value, QueueError> {
    match answer {
        Value::ServerError(error) => Err(QueueError::from_server(&error)),
        other => Ok(other),
    }
}

fn is_missing_library(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.details() == Some("Function not found"))
}

fn is_read_only(answer: &Value) -> bool {
    code(answer) == Some("READONLY")
}

fn code(answer: &Value) -> Option<&str> {
    match answer {
        Value::ServerError(error) => Some(error.code()),
        _ => None,
    }
}

/// Refusals of a server that is not, not yet or no longer the primary of the queue's slot.
const ELSEWHERE: [&str; 7] = ["READONLY", "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "LOADING"];

fn is_elsewhere(answer: &Value) -> bool {
    code(answer).is_some_and(|code| ELSEWHERE.contains(&code))
}

/// The same, said to a new connection.
fn is_passing(error: &QueueError) -> bool {
    matches!(error, QueueError::Refused(said) if said.split(' ').next().is_some_and(|code| ELSEWHERE.contains(&code)))
}
