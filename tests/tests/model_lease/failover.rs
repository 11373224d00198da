//! What a failover costs.

use crate::{CRASH, CUT, FAILOVER, PAUSE, PLAIN, UNANSWERED, breaks, long};
use dayfly_model::{Jobs, Promise, Replica, Rules};

const RULES: Rules = Rules { faults: FAILOVER, jobs: Jobs::TwoOneLater, ..PLAIN };

/// What the replica had not received is undone: submissions and ends. No second copy runs, for claims are held off.
#[test]
fn without_waiting() {
    let undone = [Promise::OneEnd, Promise::NoneLost, Promise::NoneUndone];
    breaks("a failover", RULES, &undone);
    // A lease that had been taken may stand again, so that the end of the attempt before is accepted.
    let with_a_pause = [Promise::OneEnd, Promise::NoStaleEnd, Promise::NoSurvivor, Promise::NoneUndone];
    breaks("a failover and a pause", Rules { faults: FAILOVER + PAUSE, jobs: Jobs::Two, ..RULES }, &with_a_pause);
}

/// Nothing is kept where two primaries answer.
#[test]
fn without_waiting_and_with_two_primaries() {
    breaks("a failover with two primaries", Rules { replica: Replica::Split, ..RULES }, &Promise::ALWAYS);
}

/// With `wait_replicas` all is kept, two primaries included. Only who reads an end before it is replicated may see it undone.
#[test]
fn waiting() {
    let rules = Rules { replica: Replica::Waited, ..RULES };
    breaks("a failover, replicas waited for", rules, &[Promise::NoneUndone]);
    if long() {
        let also =
            [("a pause", PAUSE), ("a partition", CUT), ("an unanswered command", UNANSWERED), ("a crash", CRASH)];
        for (name, faults) in also {
            let rules = Rules { ttl: 4, faults: FAILOVER + faults, jobs: Jobs::Two, ..rules };
            breaks(&format!("a failover, replicas waited for, and {name}"), rules, &[Promise::NoneUndone]);
        }
    }
}
