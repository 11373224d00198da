//! What a run prints.

use super::{
    check::{Invariant, Violation},
    fault::Kind,
    history::{ClientNote, History},
};
use std::{collections::BTreeMap, fmt, time::Duration};

/// The figures of a run.
#[derive(Debug, Clone)]
pub struct Figures {
    pub(super) name: &'static str,
    pub(super) seed: u64,
    pub(super) jobs: usize,
    pub(super) acknowledged: usize,
    pub(super) faults: BTreeMap<Kind, u32>,
    pub(super) missed: u32,
    pub(super) ends: BTreeMap<String, usize>,
    pub(super) attempts: usize,
    pub(super) lost_attempts: u64,
    pub(super) refusals: BTreeMap<String, usize>,
    pub(super) unanswered: usize,
    pub(super) wrong: BTreeMap<Invariant, usize>,
    pub(super) drained_ms: u64,
    pub(super) took: Duration,
}

impl Figures {
    /// What a history and the judgement of it say; the rest is for the run to fill in.
    pub(super) fn of(history: &History, violations: &[Violation]) -> Self {
        let mut figures = Self {
            name: "",
            seed: 0,
            jobs: 0,
            acknowledged: 0,
            faults: BTreeMap::new(),
            missed: 0,
            ends: BTreeMap::new(),
            attempts: 0,
            lost_attempts: 0,
            refusals: BTreeMap::new(),
            unanswered: 0,
            wrong: BTreeMap::new(),
            drained_ms: 0,
            took: Duration::ZERO,
        };
        for note in &history.clients {
            match note {
                ClientNote::Acked { .. } => figures.acknowledged += 1,
                ClientNote::Refused { status, code, .. } => {
                    let what = format!("{status} {}", code.as_deref().unwrap_or("without a code"));
                    *figures.refusals.entry(what).or_default() += 1;
                }
                ClientNote::Unanswered { .. } => figures.unanswered += 1,
                ClientNote::Sent { .. }
                | ClientNote::Seen { .. }
                | ClientNote::CancelSent { .. }
                | ClientNote::CancelAcked { .. } => {}
            }
        }
        for record in history.dump.records.values() {
            *figures.ends.entry(record.field("state").to_owned()).or_default() += 1;
            figures.attempts += record.attempts.len();
            figures.lost_attempts += record.ended("lost");
        }
        for violation in violations {
            *figures.wrong.entry(violation.invariant).or_default() += 1;
        }
        figures
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |all: Vec<String>| if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        let wrong = |invariant| self.wrong.get(&invariant).copied().unwrap_or(0);
        let all: u32 = self.faults.values().sum();
        writeln!(
            out,
            "{}: seed {}, {} jobs, {all} faults, {} s",
            self.name,
            self.seed,
            self.jobs,
            self.took.as_secs()
        )?;
        writeln!(
            out,
            "  faults: {}",
            list(self.faults.iter().map(|(kind, count)| format!("{kind} {count}")).collect())
        )?;
        if self.missed > 0 {
            writeln!(out, "  faults that found nothing to hit: {}", self.missed)?;
        }
        writeln!(
            out,
            "  acknowledged {}, {}; {} attempts ended, {} of them lost; drained {} ms after healing",
            self.acknowledged,
            list(self.ends.iter().map(|(state, count)| format!("{state} {count}")).collect()),
            self.attempts,
            self.lost_attempts,
            self.drained_ms
        )?;
        let refusals = self.refusals.iter().map(|(what, count)| format!("{what} {count}")).collect();
        writeln!(out, "  refused: {}; not answered {}", list(refusals), self.unanswered)?;
        write!(
            out,
            "  lost {}, doubled {}, overlapping {}, orphans {}, all else {}",
            wrong(Invariant::NotLost),
            wrong(Invariant::EndsOnce),
            wrong(Invariant::NoOverlap),
            wrong(Invariant::NoOrphan),
            [
                Invariant::TrueOutcome,
                Invariant::WithinBudget,
                Invariant::CancelHolds,
                Invariant::OnePlace,
                Invariant::CodedRefusal,
                Invariant::Drains
            ]
            .map(wrong)
            .iter()
            .sum::<usize>()
        )
    }
}
