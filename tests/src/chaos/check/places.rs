//! Where records stand.

use super::{super::history::History, TERMINAL};
use std::collections::BTreeMap;

/// Records in no index, in another or in several; members of indexes without a record; counts that do not agree; and what an
/// ended job must not have left behind.
pub(super) fn misplaced(history: &History) -> Vec<String> {
    let dump = &history.dump;
    let mut wrong = Vec::new();
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (index, members) in &dump.indexes {
        members.iter().for_each(|id| places.entry(id).or_default().push(index));
    }
    let mut counted: BTreeMap<String, i64> = BTreeMap::new();
    for (id, record) in &dump.records {
        let state = record.field("state");
        let place = match state {
            "queued" => format!("queue:{}", record.field("task")),
            "scheduled" => "delayed".to_owned(),
            "running" => "leases".to_owned(),
            ended => format!("finished:{ended}"),
        };
        let stands = places.remove(id.as_str()).unwrap_or_default();
        if stands != [place.as_str()] {
            wrong.push(format!("{id} is {state} and stands in {stands:?}"));
        }
        *counted.entry(format!("{}:{state}", record.field("task"))).or_default() += 1;
        let ended = TERMINAL.contains(&state);
        if ended && dump.held.contains(id) {
            wrong.push(format!("{id} is {state} and some worker is said to hold it"));
        }
        if ended && dump.cancels.contains(id) {
            wrong.push(format!("{id} is {state} and a request to cancel it is left"));
        }
    }
    wrong.extend(places.into_iter().map(|(id, stands)| format!("{id} stands in {stands:?} and has no record")));
    for (name, count) in &dump.counts {
        let seen = counted.remove(name).unwrap_or(0);
        if seen != *count {
            wrong.push(format!("{name} is counted as {count}, there are {seen}"));
        }
    }
    wrong.extend(counted.into_iter().map(|(name, seen)| format!("{name} is not counted, there are {seen}")));
    wrong
}
