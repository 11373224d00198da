//! The lease protocol, gone through history by history (`dayfly_model`): what may happen under some faults, all of it.
//!
//! ```text
//!   faults.rs     whatever goes wrong within what is promised: every promise is kept; beyond it: which ones are not
//!   failover.rs   what a failover costs, with and without waiting for replicas
//!   ending.rs     every job ends, and how soon
//!   mutants.rs    each part of the protocol is needed: without it a promise breaks
//! ```
//!
//! `cargo nextest run --no-capture -E 'binary(model_lease)'` shows how much was gone through, and the histories that break what.
//! `DAYFLY_TEST_LONG` adds three faults at once, longer leases and more.

mod ending;
mod failover;
mod faults;
mod mutants;

use dayfly_model::{Faults, Jobs, Pace, Promise, Replica, Rules, explore};

/// A lease of six ticks: gate at three, SIGTERM from two on, SIGKILL within the last but one. With the usual lease of 60 s a tick
/// is 10 s.
const PLAIN: Rules = Rules {
    ttl: 6,
    pace: Pace::Prompt,
    faults: Faults::NONE,
    replica: Replica::Behind,
    mutant: None,
    jobs: Jobs::Two,
    every_order: false,
};

const CRASH: Faults = Faults { crashes: 1, ..Faults::NONE };
const SLOT_DEATH: Faults = Faults { slot_deaths: 1, ..Faults::NONE };
const PAUSE: Faults = Faults { pauses: 1, ..Faults::NONE };
const STOP: Faults = Faults { stops: 1, ..Faults::NONE };
const FREEZE: Faults = Faults { freezes: 1, ..Faults::NONE };
const CUT: Faults = Faults { cuts: 1, ..Faults::NONE };
const UNANSWERED: Faults = Faults { unanswered: 1, ..Faults::NONE };
const JUMP: Faults = Faults { jumps: 1, ..Faults::NONE };
const FAILOVER: Faults = Faults { failovers: 1, ..Faults::NONE };
const CANCEL: Faults = Faults { cancels: 1, ..Faults::NONE };

fn long() -> bool {
    std::env::var_os("DAYFLY_TEST_LONG").is_some()
}

/// Goes through all of it: exactly these promises are broken somewhere.
fn breaks(name: &str, rules: Rules, expected: &[Promise]) {
    let explored = explore(rules);
    println!("{name}: {explored}");
    let broken: Vec<Promise> = explored.broken.keys().copied().collect();
    assert_eq!(broken, expected, "{name}: {:?}", explored.broken);
}

/// Goes through all of it: every promise is kept.
fn keeps(name: &str, rules: Rules) {
    breaks(name, rules, &[]);
}
