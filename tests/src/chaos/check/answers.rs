//! What clients were told.

use super::{
    super::history::{ClientNote, History},
    Attempts,
};
use std::collections::BTreeMap;

/// Jobs that started although a cancel had been answered with `cancelled` before.
pub(super) fn started_after_cancel(history: &History, attempts: &Attempts<'_>) -> Vec<String> {
    let mut cancelled = BTreeMap::new();
    for note in &history.clients {
        if let ClientNote::CancelAcked { at, id, state, .. } = note
            && state == "cancelled"
        {
            let first = cancelled.entry(id).or_insert(*at);
            *first = (*first).min(*at);
        }
    }
    let started = |id: &String, at: u64| attempts.get(id.as_str())?.iter().find(|attempt| attempt.start > at);
    cancelled
        .into_iter()
        .filter_map(|(id, at)| Some((id, started(id, at)?, at)))
        .map(|(id, attempt, at)| {
            format!("{id} was cancelled and started as {} {} ms later", attempt.fence, (attempt.start - at) / 1_000)
        })
        .collect()
}

/// Refusals without a code, and answers that admit a fault of our own.
pub(super) fn uncoded(history: &History) -> Vec<String> {
    let mut wrong = Vec::new();
    for note in &history.clients {
        let ClientNote::Refused { call, about, status, code, .. } = note else { continue };
        match code.as_deref() {
            None | Some("") => wrong.push(format!("{call} of {about} was refused by {status} without a code")),
            Some(word) if *status >= 500 && *status != 503 => wrong.push(format!("{call} of {about}: {status} {word}")),
            Some(_) => {}
        }
    }
    wrong
}
