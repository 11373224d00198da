//! How often a job ran.

use super::{super::history::History, Attempts};

/// Jobs with more attempts than their task allows, or than the server knows of.
pub(super) fn beyond(history: &History, attempts: &Attempts<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, record) in &history.dump.records {
        let task = record.field("task");
        let Some(budget) = history.terms.budgets.get(task) else {
            wrong.push(format!("{id}: nobody knows its task `{task}`"));
            continue;
        };
        let mut must_not = |count: u64, most: u64, what: &str| {
            if count > most {
                wrong.push(format!("{id} of `{task}`: {count} {what}, at most {most}"));
            }
        };
        must_not(record.ended("failed").max(record.number("failures")), budget.retries + 1, "attempts that failed");
        must_not(record.ended("lost").max(record.number("lost")), budget.lost_retries + 1, "attempts that were lost");
        let runs = attempts.get(id.as_str()).map_or(0, |runs| runs.len() as u64);
        // Only the last hundred ended attempts are kept.
        if record.attempts.len() < 100 {
            must_not(runs, record.attempts.len() as u64, "attempts that ran, of those that ended");
        }
        if budget.lost_retries == 0 {
            must_not(runs, budget.retries + 1, "attempts that ran, of one that must not run twice");
        }
        let highest = attempts.get(id.as_str()).into_iter().flatten().map(|attempt| attempt.number).max();
        must_not(highest.unwrap_or(0), record.number("attempt"), "is the number of an attempt that ran");
    }
    wrong
}
