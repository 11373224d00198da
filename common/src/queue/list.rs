//! Lists of jobs, a page at a time.

use super::{
    JobRecord, ListFilter, Queue, QueueError,
    cursor::{Position, Stage},
    index::Entry,
    reply::{Items, pairs, text},
};
use crate::model::{JobId, State, TaskName};

/// Most records looked at for one page.
const LOOKED_AT: usize = 2_000;
/// Records fetched at once when a filter may drop many.
const STEP: usize = 200;

/// A page of a list: running, queued, scheduled, then finished ones, newest first.
#[derive(Debug, Clone)]
pub struct ListPage {
    /// May be short although `next` is there: filters look at a bounded number of records.
    pub items: Vec<JobRecord>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// The cursor is not one that a list gave.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Not a cursor.
    #[error("the cursor is not one that a list gave: leave it out to begin at the first page")]
    BadCursor,
    /// A cursor that belongs to other questions.
    #[error("the cursor comes from a list with another filter: keep the filter, or leave the cursor out to begin anew")]
    ForeignCursor,
    /// See [`QueueError`].
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl Queue {
    /// A page of jobs.
    ///
    /// # Errors
    /// A cursor that no list gave, or see [`QueueError`].
    pub async fn list(&self, filter: &ListFilter) -> Result<ListPage, ListError> {
        let limit = filter.limit.clamp(1, 500);
        let bound_to = filter.fingerprint();
        let mut position = match &filter.cursor {
            Some(cursor) => read_cursor(cursor, &bound_to)?,
            None => Position::start(),
        };
        let next = |position: &Position| Some(format!("{bound_to}.{position}"));
        let step = if filter.is_narrow() { STEP.max(limit) } else { limit };
        let (mut items, mut looked) = (Vec::new(), 0);
        for stage in self.stages(filter).await? {
            if stage < position.stage {
                continue;
            }
            if stage != position.stage {
                position = Position { stage, after: None };
            }
            loop {
                let mut entries = self.entries(&position, filter, step).await?;
                let mut ended = entries.len() < step;
                if let (Stage::Finished, Some(since)) = (&position.stage, filter.since) {
                    // Newest first, and none has ended before it was submitted.
                    let seen = entries.len();
                    entries.retain(|entry| entry.score >= since);
                    ended |= entries.len() < seen;
                }
                for (entry, record) in self.records(entries).await? {
                    position.after = Some(entry);
                    looked += 1;
                    items.extend(record.filter(|record| fits(record, &position.stage, filter)));
                    if items.len() == limit {
                        return Ok(ListPage { items, next: next(&position) });
                    }
                }
                if ended {
                    break;
                }
                if looked >= LOOKED_AT {
                    return Ok(ListPage { items, next: next(&position) });
                }
            }
        }
        Ok(ListPage { items, next: None })
    }

    /// What the list goes through, in order.
    async fn stages(&self, filter: &ListFilter) -> Result<Vec<Stage>, QueueError> {
        let wanted = |state: State| filter.wants(state);
        let mut stages = Vec::new();
        if wanted(State::Running) {
            stages.push(Stage::Running);
        }
        if wanted(State::Queued) {
            let mut tasks: Vec<TaskName> = match &filter.task {
                Some(task) => vec![task.clone()],
                None => {
                    let mut ask = redis::cmd("SMEMBERS");
                    ask.arg(self.keys.queues());
                    Items::of(self.ask(ask).await?)?.rest().filter_map(|name| text(name).ok()?.parse().ok()).collect()
                }
            };
            tasks.sort();
            stages.extend(tasks.into_iter().map(Stage::Queued));
        }
        if wanted(State::Scheduled) {
            stages.push(Stage::Scheduled);
        }
        if State::ALL.into_iter().any(|state| state.is_terminal() && wanted(state)) {
            stages.push(Stage::Finished);
        }
        Ok(stages)
    }

    async fn entries(&self, position: &Position, filter: &ListFilter, step: usize) -> Result<Vec<Entry>, QueueError> {
        let after = position.after.as_ref();
        match &position.stage {
            Stage::Running => self.by_member(self.keys.leases(), after, step).await,
            Stage::Queued(task) => self.ascending(self.keys.queue(task), after, step).await,
            Stage::Scheduled => self.ascending(self.keys.delayed(), after, step).await,
            Stage::Finished => {
                let mut entries = Vec::new();
                for of in State::ALL.into_iter().filter(|of| of.is_terminal() && filter.wants(*of)) {
                    entries.extend(self.descending(self.keys.finished(of), after, step).await?);
                }
                entries.sort_by(|one, other| other.cmp(one));
                entries.truncate(step);
                Ok(entries)
            }
        }
    }

    /// The records of entries; `None` where there is none (its retention is over) or it cannot be read.
    async fn records(&self, entries: Vec<Entry>) -> Result<Vec<(Entry, Option<JobRecord>)>, QueueError> {
        let asks = entries
            .iter()
            .map(|entry| {
                let mut ask = redis::cmd("HGETALL");
                ask.arg(self.keys.job(entry.id));
                ask
            })
            .collect();
        let answers = self.ask_all(asks).await?;
        let read = |(entry, answer): (Entry, _)| {
            let record = pairs(answer).ok().filter(|fields| !fields.is_empty());
            let record = record.and_then(|fields| readable(entry.id, fields));
            (entry, record)
        };
        Ok(entries.into_iter().zip(answers).map(read).collect())
    }
}

/// One bad record must not hide all others.
pub(super) fn readable(id: JobId, fields: Vec<(String, Vec<u8>)>) -> Option<JobRecord> {
    JobRecord::read(id, fields)
        .inspect_err(|error| tracing::warn!(job = %id, %error, "the record of job {id} cannot be read"))
        .ok()
}

/// A job that has moved on since its index was read shows where it stands now, or on the next list.
fn fits(record: &JobRecord, stage: &Stage, filter: &ListFilter) -> bool {
    let here = match stage {
        Stage::Running => record.state == State::Running,
        Stage::Queued(_) => record.state == State::Queued,
        Stage::Scheduled => record.state == State::Scheduled,
        Stage::Finished => record.state.is_terminal(),
    };
    here && filter.admits(record)
}

/// A cursor is `<fingerprint of the filter>.<position>`.
fn read_cursor(cursor: &str, bound_to: &str) -> Result<Position, ListError> {
    let (of, position) = cursor.split_once('.').ok_or(ListError::BadCursor)?;
    let position = position.parse().map_err(|_| ListError::BadCursor)?;
    if of == bound_to { Ok(position) } else { Err(ListError::ForeignCursor) }
}
