//! Lists of jobs, a page at a time.

use super::{
    JobRecord, Queue, QueueError,
    cursor::{Position, Stage},
    index::Entry,
    reply::{Items, pairs, text},
};
use crate::model::{JobId, State, TaskName};

/// Most records looked at for one page.
const LOOKED_AT: usize = 2_000;
/// Records fetched at once when a filter may drop many.
const STEP: usize = 200;

/// Which jobs a list holds.
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    /// Only this state.
    pub state: Option<State>,
    /// Only this task.
    pub task: Option<TaskName>,
    /// Only jobs of this owner.
    pub owner: Option<String>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// At most this many, 1 to 500.
    pub limit: usize,
}

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
        let mut position = match &filter.cursor {
            Some(cursor) => cursor.parse().map_err(|_| ListError::BadCursor)?,
            None => Position::start(),
        };
        let step = if filter.task.is_some() || filter.owner.is_some() { STEP.max(limit) } else { limit };
        let (mut items, mut looked) = (Vec::new(), 0);
        for stage in self.stages(filter).await? {
            if stage < position.stage {
                continue;
            }
            if stage != position.stage {
                position = Position { stage, after: None };
            }
            loop {
                let entries = self.entries(&position, filter.state, step).await?;
                let ended = entries.len() < step;
                for (entry, record) in self.records(entries).await? {
                    position.after = Some(entry);
                    looked += 1;
                    items.extend(record.filter(|record| fits(record, &position.stage, filter)));
                    if items.len() == limit {
                        return Ok(ListPage { items, next: Some(position.to_string()) });
                    }
                }
                if ended {
                    break;
                }
                if looked >= LOOKED_AT {
                    return Ok(ListPage { items, next: Some(position.to_string()) });
                }
            }
        }
        Ok(ListPage { items, next: None })
    }

    /// What the list goes through, in order.
    async fn stages(&self, filter: &ListFilter) -> Result<Vec<Stage>, QueueError> {
        let wanted = |state: State| filter.state.is_none_or(|only| only == state);
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
        if filter.state.is_none_or(State::is_terminal) {
            stages.push(Stage::Finished);
        }
        Ok(stages)
    }

    async fn entries(&self, position: &Position, state: Option<State>, step: usize) -> Result<Vec<Entry>, QueueError> {
        let after = position.after.as_ref();
        match &position.stage {
            Stage::Running => self.by_member(self.keys.leases(), after, step).await,
            Stage::Queued(task) => self.ascending(self.keys.queue(task), after, step).await,
            Stage::Scheduled => self.ascending(self.keys.delayed(), after, step).await,
            Stage::Finished => {
                let mut entries = Vec::new();
                for of in State::ALL.into_iter().filter(|of| of.is_terminal() && state.is_none_or(|only| only == *of)) {
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
    here && filter.state.is_none_or(|only| only == record.state)
        && filter.task.as_ref().is_none_or(|only| *only == record.task)
        && filter.owner.as_ref().is_none_or(|only| *only == record.owner)
}
