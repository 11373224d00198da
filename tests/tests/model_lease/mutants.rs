//! Each part of the protocol is needed: left out, a promise breaks under faults that are harmless otherwise.

use crate::{CRASH, CUT, FAILOVER, JUMP, PAUSE, PLAIN, STOP, UNANSWERED};
use dayfly_model::{Faults, Mutant, Pace, Promise, Rules, Step, explore, shortest};

/// Fails unless the mutant breaks the promise, and the protocol as it is keeps it.
fn caught(mutant: Mutant, rules: Rules, promise: Promise) {
    assert!(!explore(rules).broken.contains_key(&promise), "{promise:?} is broken without {mutant:?}");
    let Some(history) = shortest(Rules { mutant: Some(mutant), ..rules }, promise) else {
        panic!("{mutant:?} breaks nothing");
    };
    println!("{mutant:?} breaks {promise:?} in {} steps: {}", history.len(), told(&history));
}

fn under(faults: Faults) -> Rules {
    Rules { faults, ..PLAIN }
}

/// A history in one line.
fn told(history: &[Step]) -> String {
    let alike = history.chunk_by(|one, next| one == next && *one == Step::Tick);
    let words: Vec<String> = alike
        .map(|steps| match steps {
            [step] => format!("{step:?}"),
            steps => format!("{} x {:?}", steps.len(), steps[0]),
        })
        .collect();
    words.join(", ")
}

#[test]
fn a_slot_that_does_not_end_its_job() {
    caught(Mutant::NoSelfFence, under(CUT), Promise::OneCopy);
}

#[test]
fn a_limit_counted_from_the_answer() {
    caught(Mutant::LimitFromAnswer, under(PAUSE), Promise::OneCopy);
}

#[test]
fn a_finish_without_a_fence() {
    caught(Mutant::NoFenceCheck, under(CUT), Promise::NoStaleEnd);
    caught(Mutant::NoFenceCheck, under(CUT), Promise::NoSurvivor);
}

#[test]
fn a_start_without_a_gate() {
    caught(Mutant::NoStartGate, under(PAUSE), Promise::OneCopy);
}

#[test]
fn a_stopped_slot_that_nobody_ends() {
    caught(Mutant::NoSecondGuard, under(STOP + CUT), Promise::OneCopy);
}

/// The job waits for the end of a lease that nobody holds, and pays with one of its `lost_retries`.
#[test]
fn a_released_claim_that_still_arrives() {
    let in_time = Rules { pace: Pace::Bounded { longest_fault: 8, horizon: 5 }, ..under(UNANSWERED) };
    caught(Mutant::NoReleaseMark, in_time, Promise::AllEnd);
}

#[test]
fn leases_taken_after_a_jump_of_the_clock() {
    caught(Mutant::NoHoldOff, under(JUMP), Promise::OneCopy);
}

#[test]
fn claims_given_after_a_failover() {
    caught(Mutant::NoClaimHoldOff, under(FAILOVER), Promise::OneCopy);
}

#[test]
fn leases_released_without_a_proof() {
    caught(Mutant::NoProofOfDeath, under(CRASH), Promise::OneCopy);
}
