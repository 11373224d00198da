//! The events stream read back: for who missed some of it.

use super::{
    Event, JobRecord, Queue, QueueError,
    entry::EntryId,
    events::read_event,
    list::readable,
    reply::{Items, pairs},
};
use crate::model::JobId;

/// A stretch of the events stream.
#[derive(Debug, Clone)]
pub struct History {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// The last entry of the stretch, whether or not it could be read; where it began when it is empty.
    pub last: EntryId,
    /// It was cut short.
    pub more: bool,
}

impl Queue {
    /// The newest entry of the events stream; [`EntryId::ZERO`] when it is empty.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn newest_event(&self) -> Result<EntryId, QueueError> {
        let mut newest = redis::cmd("XREVRANGE");
        newest.arg(self.keys.events()).arg("+").arg("-").arg("COUNT").arg(1);
        match Items::of(self.ask(newest).await?)?.rest().next() {
            Some(entry) => Items::of(entry)?.parsed(),
            None => Ok(EntryId::ZERO),
        }
    }

    /// What came after the entry `after`, at most `count`; `None` when that entry is no longer there, so that what came next
    /// may be lost too: the stream keeps a bounded number, and a server may lose its data.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn events_after(&self, after: EntryId, count: usize) -> Result<Option<History>, QueueError> {
        let (stream, begun) = (self.keys.events(), after != EntryId::ZERO);
        if !begun && self.trimmed(stream.clone()).await? > 0 {
            return Ok(None);
        }
        let mut read = redis::cmd("XRANGE");
        read.arg(stream).arg(after.to_string()).arg("+").arg("COUNT").arg(count.saturating_add(usize::from(begun)));
        let mut history = History { events: Vec::new(), last: after, more: false };
        let mut seen = 0;
        for entry in Items::of(self.ask(read).await?)?.rest() {
            let mut entry = Items::of(entry)?;
            let at: EntryId = entry.parsed()?;
            if begun && seen == 0 && at != after {
                return Ok(None);
            }
            seen += 1;
            if at != after {
                history.last = at;
                history.events.extend(read_event(at, entry.value()));
            }
        }
        history.more = seen >= count.saturating_add(usize::from(begun));
        Ok((seen > 0 || !begun).then_some(history))
    }

    /// The records of jobs, in order; `None` where there is none or it cannot be read.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn job_records(&self, ids: &[JobId]) -> Result<Vec<Option<JobRecord>>, QueueError> {
        let asks = ids.iter().map(|&id| {
            let mut ask = redis::cmd("HGETALL");
            ask.arg(self.keys.job(id));
            ask
        });
        let answers = self.ask_all(asks.collect()).await?;
        let read = |(&id, answer)| pairs(answer).ok().filter(|fields| !fields.is_empty()).and_then(|f| readable(id, f));
        Ok(ids.iter().zip(answers).map(read).collect())
    }
}
