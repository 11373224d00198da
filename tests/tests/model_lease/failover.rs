//! What a failover costs.

use crate::{CANCEL, CUT, FAILOVER, PAUSE, PLAIN, UNANSWERED, breaks, long};
use dayfly_model::{Jobs, Promise, Replica, Rules};

const RULES: Rules = Rules { faults: FAILOVER, jobs: Jobs::TwoOneLater, ..PLAIN };

/// What the replica had not received is undone: submissions and ends. No second copy runs, for claims are held off.
#[test]
fn without_waiting() {
    let undone = [Promise::OneEnd, Promise::NoneLost, Promise::NoneUndone];
    breaks("a failover", RULES, &undone);
    // A lease that had been taken may stand again, so that the end of the attempt before is accepted.
    let with_a_pause = [Promise::OneEnd, Promise::NoStaleEnd, Promise::NoSurvivor, Promise::NoneUndone];
    breaks(
        "a failover and a pause",
        Rules { ttl: 4, faults: FAILOVER + PAUSE, jobs: Jobs::Two, ..RULES },
        &with_a_pause,
    );
}

/// Nothing is kept where two primaries answer. (That a submission may be lost is seen above already.)
#[test]
fn without_waiting_and_with_two_primaries() {
    let rules = Rules { replica: Replica::Split, faults: FAILOVER + CANCEL, jobs: Jobs::One, ..RULES };
    let mut all_but_lost = Promise::ALWAYS.to_vec();
    all_but_lost.retain(|promise| *promise != Promise::NoneLost);
    breaks("a failover with two primaries and a cancel", rules, &all_but_lost);
}

/// With `wait_replicas` all is kept, two primaries included. Only who reads an end before it is replicated may see it undone.
#[test]
fn waiting() {
    let rules = Rules { replica: Replica::Waited, ..RULES };
    breaks("a failover, replicas waited for", rules, &[Promise::NoneUndone]);
    if long() {
        for (name, faults) in [("a pause", PAUSE), ("a partition", CUT), ("an unanswered command", UNANSWERED)] {
            let rules = Rules { ttl: 4, faults: FAILOVER + faults, jobs: Jobs::Two, ..rules };
            breaks(&format!("a failover, replicas waited for, and {name}"), rules, &[Promise::NoneUndone]);
        }
    }
}

/// A cancel waits for replicas too: one that was answered holds.
#[test]
fn waiting_for_a_cancel_too() {
    let rules = Rules { replica: Replica::Waited, faults: FAILOVER + CANCEL, jobs: Jobs::One, ..RULES };
    breaks("a failover, replicas waited for, and a cancel", rules, &[Promise::NoneUndone]);
}
