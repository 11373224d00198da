//! Reading an index (a sorted set of job ids) from a place on, in either direction. A place is an entry, not a rank, so that
//! a page goes on where the one before ended although jobs come and go in between.

use super::{
    Queue, QueueError,
    reply::{Items, text},
};
use crate::model::JobId;

/// Most running jobs a list knows of.
const RUNNING_SEEN: usize = 20_000;

/// One entry: ordered as Redis orders them, by score and then by member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) score: i64,
    pub(super) id: JobId,
}

impl Queue {
    /// Up to `count` entries after `after`, lowest first.
    pub(super) async fn ascending(
        &self,
        index: String,
        after: Option<&Entry>,
        count: usize,
    ) -> Result<Vec<Entry>, QueueError> {
        let from = after.map_or_else(|| "-inf".to_owned(), |entry| entry.score.to_string());
        self.beyond("ZRANGEBYSCORE", index, (&from, "+inf"), count, |entry| after.is_none_or(|last| entry > last)).await
    }

    /// Up to `count` entries after `after`, highest first.
    pub(super) async fn descending(
        &self,
        index: String,
        after: Option<&Entry>,
        count: usize,
    ) -> Result<Vec<Entry>, QueueError> {
        let from = after.map_or_else(|| "+inf".to_owned(), |entry| entry.score.to_string());
        self.beyond("ZREVRANGEBYSCORE", index, (&from, "-inf"), count, |entry| after.is_none_or(|last| entry < last))
            .await
    }

    /// Up to `count` entries by member, after that of `after`: for leases, whose scores change every second.
    pub(super) async fn by_member(
        &self,
        index: String,
        after: Option<&Entry>,
        count: usize,
    ) -> Result<Vec<Entry>, QueueError> {
        let mut entries = self.beyond("ZRANGEBYSCORE", index, ("-inf", "+inf"), RUNNING_SEEN, |_| true).await?;
        entries.sort_by_key(|entry| entry.id);
        entries.retain(|entry| after.is_none_or(|last| entry.id > last.id));
        entries.truncate(count);
        Ok(entries)
    }

    /// Entries of the same score as the last one are read again and dropped; when they fill the reading, it is widened.
    async fn beyond(
        &self,
        command: &str,
        index: String,
        (from, to): (&str, &str),
        count: usize,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Result<Vec<Entry>, QueueError> {
        let mut read_at_once = count + 1;
        loop {
            let mut ask = redis::cmd(command);
            ask.arg(&index).arg(from).arg(to).arg("WITHSCORES").arg("LIMIT").arg(0).arg(read_at_once);
            let mut items = Items::of(self.ask(ask).await?)?.rest();
            let (mut read, mut entries) = (0, Vec::new());
            while let (Some(member), Some(score)) = (items.next(), items.next()) {
                read += 1;
                // What a hand put there under another name is no job.
                let Ok(id) = text(member)?.parse() else { continue };
                entries.push(Entry { score: whole(&text(score)?)?, id });
            }
            entries.retain(&wanted);
            if entries.len() >= count || read < read_at_once {
                entries.truncate(count);
                return Ok(entries);
            }
            read_at_once *= 2;
        }
    }
}

/// Scores are whole numbers, which Redis may print as floats.
fn whole(score: &str) -> Result<i64, QueueError> {
    let number: f64 = super::reply::parsed(score)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "scores are whole numbers below 2^53; a hand's infinity saturates"
    )]
    Ok(number as i64)
}
