//! Finish: an attempt's end, written once.

use super::{Ask, Claim, Claimed, Queue, QueueError, call::absent_or, claim::read_claimed, reply::Items};
use crate::model::{Fence, JobError, JobId, KilledBy, Outcome, State, TaskName, Usage};
use redis::{Cmd, Value};
use serde::Serialize;

/// The end of an attempt, ready to be sent, again and again until it is answered.
#[derive(Debug, Clone)]
pub struct Finish {
    /// The job.
    pub id: JobId,
    /// Its task.
    pub task: TaskName,
    /// Proof of the claim.
    pub fence: Fence,
    /// The worker's id.
    pub worker: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What it used; `None` when no process was started.
    pub usage: Option<Usage>,
    /// What made Dayfly end it.
    pub killed_by: Option<KilledBy>,
    /// From the first signal to the last process gone, ms.
    pub kill_ms: Option<u64>,
    /// The leader's pid as the host sees it.
    pub pid: Option<i32>,
    /// Wait before a retry, should there be one, ms.
    pub retry_delay_ms: u64,
    /// The task's `retries`, for a job that names none.
    pub retries: u32,
    /// The task's `lost_retries`: with 0 a drained job fails as `lost`, for it must not run twice.
    pub lost_retries: u32,
    /// The task's `retention`, for a job that names none, ms.
    pub retention_ms: u64,
}

impl Claim {
    /// Uses up the claim. The fields that depend on the task's definition are for the caller to fill.
    #[must_use]
    pub fn finish(self, worker: &str, outcome: Outcome) -> Finish {
        Finish {
            id: self.id,
            task: self.task,
            fence: self.fence,
            worker: worker.to_owned(),
            outcome,
            usage: None,
            killed_by: None,
            kill_ms: None,
            pid: None,
            retry_delay_ms: 0,
            retries: 0,
            lost_retries: 2,
            retention_ms: 7 * 86_400_000,
        }
    }
}

/// What became of a finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// Stored; the job's state now.
    Done(State),
    /// This fence had finished before; the state it led to.
    Already(State),
    /// The attempt is no longer this worker's; nothing was written.
    Fenced,
}

impl Queue {
    /// Writes the ends of attempts and, in the same round trip, asks for the next jobs. Both parts may be repeated.
    ///
    /// # Errors
    /// See [`QueueError`]; a job that is only garbled or refused fails the whole call, to be repeated.
    pub async fn finish(
        &self,
        ends: &[Finish],
        ask: Option<&Ask>,
    ) -> Result<(Vec<Finished>, Option<Claimed>), QueueError> {
        let mut calls = ends.iter().map(|end| self.finish_call(end)).collect::<Result<Vec<_>, _>>()?;
        if let Some(ask) = ask {
            calls.push(self.claim_call(ask)?);
        }
        if calls.is_empty() {
            return Ok((Vec::new(), None));
        }
        let mut answers = self.ask_replicated(calls).await?;
        let claimed = match ask {
            Some(_) => answers.pop().map(read_claimed).transpose()?,
            None => None,
        };
        Ok((answers.into_iter().map(read_finished).collect::<Result<_, _>>()?, claimed))
    }

    fn finish_call(&self, end: &Finish) -> Result<Cmd, QueueError> {
        let said = Said::of(&end.outcome);
        let mut call = self.function("dayfly_finish");
        call.arg(end.id.to_string()).arg(end.fence.to_string()).arg(said.word);
        call.arg(said.result).arg(said.content_type).arg(u8::from(said.truncated));
        call.arg(json_or_absent(said.error)?).arg(u8::from(said.error.is_some_and(|error| error.retryable)));
        call.arg(json_or_absent(end.usage.as_ref())?);
        call.arg(end.killed_by.map_or("", KilledBy::as_str)).arg(absent_or(end.kill_ms)).arg(absent_or(end.pid));
        call.arg(end.retry_delay_ms).arg(end.retries).arg(end.lost_retries).arg(end.retention_ms);
        Ok(call)
    }
}

/// An outcome, laid out as the function takes it.
struct Said<'a> {
    word: &'static str,
    result: &'a [u8],
    content_type: &'static str,
    truncated: bool,
    error: Option<&'a JobError>,
}

impl<'a> Said<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let plain = |word| Self { word, result: &[], content_type: "", truncated: false, error: None };
        match outcome {
            Outcome::Succeeded { result, content_type, truncated } => {
                Self { word: "succeeded", result, content_type, truncated: *truncated, error: None }
            }
            Outcome::Failed(error) => Self { error: Some(error), ..plain("failed") },
            Outcome::Cancelled => plain("cancelled"),
            Outcome::Drained => plain("drained"),
            Outcome::Lost => plain("lost"),
        }
    }
}

fn json_or_absent(value: Option<&impl Serialize>) -> Result<String, QueueError> {
    value.map_or_else(
        || Ok(String::new()),
        |value| serde_json::to_string(value).map_err(|error| QueueError::Garbled(error.to_string())),
    )
}

fn read_finished(answer: Value) -> Result<Finished, QueueError> {
    let mut items = Items::of(answer)?;
    match items.text()?.as_str() {
        "done" => Ok(Finished::Done(items.parsed()?)),
        "already" => Ok(Finished::Already(items.parsed()?)),
        "fenced" => Ok(Finished::Fenced),
        other => Err(QueueError::Garbled(format!("dayfly_finish answered `{other}`"))),
    }
}
