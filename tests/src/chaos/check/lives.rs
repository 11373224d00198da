//! When a job's processes were alive.

use super::{
    super::history::{History, Witnessed},
    Attempts,
};
use std::collections::BTreeMap;

/// How long after a job's end a process may still carry its id, µs.
const ORPHAN_AFTER: u64 = 5_000_000;

/// Attempts of one job that were alive together, by the lock they found held and by the times they wrote; attempts that
/// started twice; and numbers that two attempts had.
pub(super) fn overlaps(history: &History, attempts: &Attempts<'_>) -> Vec<String> {
    let held = history.jobs.iter().filter(|note| note.what == Witnessed::Overlap);
    let mut wrong: Vec<String> = held
        .map(|note| {
            format!("{}: {} began while {} was alive", note.id, note.fence, note.holder.as_deref().unwrap_or("another"))
        })
        .collect();
    for (id, runs) in attempts {
        let mut before = None::<(u64, &str)>;
        let mut numbers = BTreeMap::new();
        for run in runs {
            if let Some((last, fence)) = before
                && run.start < last
            {
                wrong.push(format!(
                    "{id}: {} began {} us before the last sign of {fence}",
                    run.fence,
                    last - run.start
                ));
            }
            if before.is_none_or(|(last, _)| run.last > last) {
                before = Some((run.last, run.fence));
            }
            if run.starts > 1 {
                wrong.push(format!("{id}: {} started {} times", run.fence, run.starts));
            }
            if let Some(other) = numbers.insert(run.number, run.fence) {
                wrong.push(format!("{id}: {other} and {} have the same number", run.fence));
            }
        }
    }
    wrong
}

/// Processes that carried a job's id too long after its end.
pub(super) fn orphans(history: &History) -> Vec<String> {
    let mut wrong = BTreeMap::new();
    for carrier in &history.carriers {
        let Some(record) = history.dump.records.get(&carrier.id) else { continue };
        let ended = (record.number("finished_at") * 1_000).saturating_sub(history.terms.epoch);
        if ended > 0 && carrier.at > ended + ORPHAN_AFTER {
            wrong.insert((&carrier.id, carrier.pid), carrier.at - ended);
        }
    }
    wrong
        .into_iter()
        .map(|((id, pid), late)| format!("process {pid} carried {id} {} ms after its end", late / 1_000))
        .collect()
}
