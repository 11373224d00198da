//! The judge: pure functions from a history to what is wrong in it.
//!
//! It knows nothing of how the queue works, only what was promised, and reads the keys as an operator would. One file a
//! concern; each function returns all violations of its own invariant.

mod accepted;
mod answers;
mod attempts;
mod lives;
mod outcomes;
mod places;

use super::history::{History, JobNote, Witnessed};
use std::{collections::BTreeMap, fmt};

/// What was promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Every acknowledged job is there at the end and has ended.
    NotLost,
    /// A key gives one job; a job ends once, and its end never changes.
    EndsOnce,
    /// No two attempts of a job are alive together, and no attempt starts twice.
    NoOverlap,
    /// What is stored is what the attempt itself did.
    TrueOutcome,
    /// No more attempts than were allowed.
    WithinBudget,
    /// A job cancelled before it started never starts.
    CancelHolds,
    /// 5 s after a job's end none of its processes is left.
    NoOrphan,
    /// A record stands in exactly one index, and the counts agree.
    OnePlace,
    /// A refusal says in one word why.
    CodedRefusal,
    /// After healing everything ends in time.
    Drains,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise was broken.
    pub invariant: Invariant,
    /// The job or key, and what was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.invariant, self.what)
    }
}

const TERMINAL: [&str; 3] = ["succeeded", "failed", "cancelled"];

/// Everything that is wrong; nothing in a history that keeps all promises.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let attempts = attempts_of(&history.jobs);
    let mut found = Vec::new();
    let mut note = |invariant, wrong: Vec<String>| {
        found.extend(wrong.into_iter().map(|what| Violation { invariant, what }));
    };
    note(Invariant::NotLost, accepted::lost(history));
    note(Invariant::EndsOnce, accepted::changed(history));
    note(Invariant::NoOverlap, lives::overlaps(history, &attempts));
    note(Invariant::TrueOutcome, outcomes::untrue(history, &attempts));
    note(Invariant::WithinBudget, attempts::beyond(history, &attempts));
    note(Invariant::CancelHolds, answers::started_after_cancel(history, &attempts));
    note(Invariant::NoOrphan, lives::orphans(history));
    note(Invariant::OnePlace, places::misplaced(history));
    note(Invariant::CodedRefusal, answers::uncoded(history));
    note(Invariant::Drains, accepted::late(history));
    found
}

/// One attempt, as its own processes told of it.
#[derive(Debug, Clone, Copy)]
struct Attempt<'a> {
    fence: &'a str,
    number: u64,
    start: u64,
    /// The last moment at which it is known to have lived.
    last: u64,
    /// Its own exit code, when it came to that.
    code: Option<i32>,
    starts: u32,
}

/// All attempts by job, in the order in which they began.
type Attempts<'a> = BTreeMap<&'a str, Vec<Attempt<'a>>>;

fn attempts_of(notes: &[JobNote]) -> Attempts<'_> {
    let mut all = Attempts::new();
    for note in notes {
        let of_job = all.entry(&note.id).or_default();
        let at = of_job.iter().position(|attempt| attempt.fence == note.fence).unwrap_or_else(|| {
            let (start, last) = (note.at, note.at);
            of_job.push(Attempt { fence: &note.fence, number: note.attempt, start, last, code: None, starts: 0 });
            of_job.len() - 1
        });
        let attempt = &mut of_job[at];
        attempt.start = attempt.start.min(note.at);
        attempt.last = attempt.last.max(note.at);
        match note.what {
            Witnessed::Start => attempt.starts += 1,
            Witnessed::End => attempt.code = note.code,
            Witnessed::Alive | Witnessed::Overlap => {}
        }
    }
    all.values_mut().for_each(|attempts| attempts.sort_by_key(|attempt| attempt.start));
    all
}
