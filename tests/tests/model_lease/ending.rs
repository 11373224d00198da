//! Every job ends, where a program runs two ticks at most and a fault lasts eight.
//!
//! The checker takes only the ends of finite paths for a broken "eventually", and a world that it has met before for kept. Neither
//! hides anything here: time is counted, so that no path comes back to where it was, each has its end at the horizon, and a world
//! in which all has ended stays one.

use crate::{CANCEL, CRASH, CUT, JUMP, PAUSE, PLAIN, SLOT_DEATH, STOP, UNANSWERED, breaks, keeps};
use dayfly_model::{Faults, Pace, Promise, Rules};

#[test]
fn every_job_ends_in_time() {
    for (name, faults, ticks) in [
        ("no fault", Faults::NONE, 4),
        ("a cancel", CANCEL, 4),
        ("a slot's death", SLOT_DEATH, 7),
        ("a clock's jump", JUMP, 4),
        ("an unanswered command", UNANSWERED, 5),
        ("a stopped slot", STOP, 12),
        ("a pause", PAUSE, 13),
        ("a partition", CUT, 13),
        ("a partition and an unanswered command", CUT + UNANSWERED, 15),
        ("a crash", CRASH, 18),
        ("a pause and a partition", PAUSE + CUT, 19),
    ] {
        let within = |horizon| Rules { faults, pace: Pace::Bounded { longest_fault: 8, horizon }, ..PLAIN };
        keeps(&format!("{name}, within {ticks} ticks"), within(ticks));
        breaks(&format!("{name}, a tick less"), within(ticks - 1), &[Promise::AllEnd]);
    }
}
