//! Whatever goes wrong.

use crate::{CANCEL, CRASH, CUT, FREEZE, JUMP, PAUSE, PLAIN, SLOT_DEATH, STOP, UNANSWERED, breaks, keeps, long};
use dayfly_model::{Faults, Jobs, Pace, Promise, Rules};

/// Those that are promised to do no harm.
const FAULTS: [(&str, Faults); 8] = [
    ("a crash", CRASH),
    ("a slot's death", SLOT_DEATH),
    ("a pause", PAUSE),
    ("a stopped slot", STOP),
    ("a partition", CUT),
    ("an unanswered command", UNANSWERED),
    ("a clock's jump", JUMP),
    ("a cancel", CANCEL),
];

/// Here in every order of steps. The other tests leave out orders that make no difference.
#[test]
fn one_fault() {
    let rules = Rules { jobs: Jobs::TwoOneLater, every_order: true, ..PLAIN };
    keeps("no fault", rules);
    for (name, faults) in FAULTS {
        keeps(name, Rules { faults, ..rules });
    }
}

#[test]
fn two_faults() {
    for (at, (one, faults)) in FAULTS.into_iter().enumerate() {
        for (other, more) in FAULTS.into_iter().skip(at) {
            keeps(&format!("{one} and {other}"), Rules { faults: faults + more, ..PLAIN });
        }
    }
}

#[test]
fn three_faults_and_more() {
    keeps("a pause, a partition and an unanswered command", Rules { faults: PAUSE + CUT + UNANSWERED, ..PLAIN });
    if long() {
        keeps("a crash, a partition and an unanswered command", Rules { faults: CRASH + CUT + UNANSWERED, ..PLAIN });
        keeps("a crash, a pause and an unanswered command", Rules { faults: CRASH + PAUSE + UNANSWERED, ..PLAIN });
        keeps("a crash, a pause and a partition", Rules { faults: CRASH + PAUSE + CUT, ..PLAIN });
        let all = Rules { ttl: 4, faults: CRASH + PAUSE + CUT + UNANSWERED, ..PLAIN };
        keeps("all four of these, with a shorter lease", all);
    }
}

/// No fault is named, but every daemon may stand still and every answer be late, as long and as often as it likes.
#[test]
fn any_pace() {
    let rules = Rules { ttl: 4, pace: Pace::Any, jobs: Jobs::One, ..PLAIN };
    keeps("one job at any pace", rules);
    if long() {
        keeps("one job at any pace, a longer lease", Rules { ttl: 6, ..rules });
        keeps("two jobs at any pace", Rules { jobs: Jobs::Two, ..rules });
    }
}

/// Beyond what is promised: with daemon and slot both standing still a copy may outlive its lease. Even so nothing that it writes
/// is taken, and nothing is lost.
#[test]
fn a_frozen_host() {
    let rules = Rules { faults: FREEZE, jobs: Jobs::TwoOneLater, ..PLAIN };
    breaks("a frozen host", rules, &[Promise::OneCopy, Promise::NoSurvivor]);
}
