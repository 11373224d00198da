//! What was acknowledged: that it is there, that it ended once, and in time.

use super::{
    super::history::{ClientNote, History},
    TERMINAL,
};
use std::collections::{BTreeMap, BTreeSet};

/// Acknowledged jobs that are not there or have not ended; and jobs that a client once saw and later did not.
pub(super) fn lost(history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, key) in acknowledged(history) {
        match history.dump.records.get(id) {
            None => wrong.push(format!("{id} ({key}) was acknowledged and is not there")),
            Some(record) if !TERMINAL.contains(&record.field("state")) => {
                wrong.push(format!("{id} ({key}) was acknowledged and is still {}", record.field("state")));
            }
            Some(_) => {}
        }
    }
    for note in &history.clients {
        if let ClientNote::Refused { about, status: 404 | 410, call, .. } = note {
            wrong.push(format!("{about}: {call} was answered as if there were no such job"));
        }
    }
    wrong
}

fn acknowledged(history: &History) -> BTreeMap<&str, &str> {
    let acked = history.clients.iter().filter_map(|note| match note {
        ClientNote::Acked { id, key, .. } => Some((id.as_str(), key.as_str())),
        ClientNote::Sent { .. }
        | ClientNote::Refused { .. }
        | ClientNote::Unanswered { .. }
        | ClientNote::Seen { .. }
        | ClientNote::CancelSent { .. }
        | ClientNote::CancelAcked { .. } => None,
    });
    acked.collect()
}

/// Keys with two jobs, jobs with two keys, and ends that were not the only one.
pub(super) fn changed(history: &History) -> Vec<String> {
    let mut wrong = doubled_keys(history);
    wrong.extend(changed_views(history));
    wrong.extend(ended_twice(history));
    wrong
}

fn doubled_keys(history: &History) -> Vec<String> {
    let (mut wrong, mut by_key, mut by_id) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for note in &history.clients {
        let ClientNote::Acked { key, id, .. } = note else { continue };
        let first = by_key.entry(key).or_insert(id);
        if *first != id {
            wrong.push(format!("the key {key} gave {first} and then {id}"));
        }
        let first = by_id.entry(id).or_insert(key);
        if *first != key {
            wrong.push(format!("the keys {first} and {key} gave the same job {id}"));
        }
    }
    let sent: BTreeSet<&String> = history.clients.iter().filter_map(|note| sent_key(note)).collect();
    if history.dump.records.len() > sent.len() {
        wrong.push(format!("{} keys were sent and {} jobs are there", sent.len(), history.dump.records.len()));
    }
    wrong
}

fn sent_key(note: &ClientNote) -> Option<&String> {
    if let ClientNote::Sent { key, .. } = note { Some(key) } else { None }
}

/// A terminal state seen over HTTP stays as it was seen, to the end.
fn changed_views(history: &History) -> Vec<String> {
    let (mut wrong, mut ends) = (Vec::new(), BTreeMap::new());
    for note in &history.clients {
        let ClientNote::Seen { id, state, finished_at, result, .. } = note else { continue };
        let now = (state, finished_at, result);
        match ends.get(id) {
            Some(first) if *first != now => {
                wrong.push(format!("{id} had ended as {first:?} and was then seen as {now:?}"))
            }
            None if TERMINAL.contains(&state.as_str()) => drop(ends.insert(id, now)),
            Some(_) | None => {}
        }
    }
    for (id, (state, ..)) in ends {
        let last = history.dump.records.get(id).map_or("", |record| record.field("state"));
        if last != state {
            wrong.push(format!("{id} had ended as {state} and is {last:?} at the end"));
        }
    }
    wrong
}

/// The stream of events tells every change: after an end there is none.
fn ended_twice(history: &History) -> Vec<String> {
    let (mut wrong, mut ended) = (Vec::new(), BTreeMap::new());
    for event in &history.events {
        if let Some(first) = ended.get(&event.id) {
            wrong.push(format!("{} had ended as {first} and became {}", event.id, event.state));
        } else if TERMINAL.contains(&event.state.as_str()) {
            ended.insert(&event.id, &event.state);
        }
    }
    for (id, record) in &history.dump.records {
        let last = |attempt: &serde_json::Value| {
            TERMINAL.iter().any(|state| attempt["outcome"] == *state && *state != "failed")
        };
        if record.attempts.iter().filter(|attempt| last(attempt)).count() > 1 {
            wrong.push(format!("{id}: two of its attempts are said to have ended it"));
        }
    }
    wrong
}

/// Jobs that ended too long after healing.
pub(super) fn late(history: &History) -> Vec<String> {
    let terms = &history.terms;
    let latest = terms.healed_at + terms.drain;
    let ended =
        |id: &String| Some((history.dump.records.get(id)?.number("finished_at") * 1_000).saturating_sub(terms.epoch));
    let over = |at: u64| at.saturating_sub(terms.healed_at) / 1_000;
    history
        .dump
        .records
        .keys()
        .filter_map(|id| Some((id, ended(id)?)))
        .filter(|(_, at)| *at > latest)
        .map(|(id, at)| format!("{id} ended {} ms after healing, {} allowed", over(at), terms.drain / 1_000))
        .collect()
}
