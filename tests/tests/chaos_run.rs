//! Jobs under a hail of faults: everything that was promised holds.
//!
//! `DAYFLY_SEED` repeats a run's jobs and faults. `DAYFLY_TEST_LONG` makes it 100,000 jobs and 1,500 faults; `DAYFLY_CHAOS_JOBS`,
//! `DAYFLY_CHAOS_FAULTS` and `DAYFLY_CHAOS_SECONDS` make it any other size.

use dayfly_tests::chaos::{Aim, BUGS, Chaos, Invariant, Outcome, check, seed};
use std::time::Duration;

fn chaos(jobs: usize, faults: usize, span: Duration) -> Chaos {
    Chaos {
        seed: seed(),
        jobs,
        faults,
        aim: Aim::Everything,
        span,
        workers: 3,
        slots: 8,
        worker: None,
        job: env!("CARGO_BIN_EXE_chaos-job").into(),
    }
}

fn small_or_large() -> Chaos {
    let given = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let (jobs, faults, seconds) = match std::env::var_os("DAYFLY_TEST_LONG") {
        Some(_) => (100_000, 1_500, 55 * 60),
        None => (2_000, 60, 130),
    };
    let seconds = given("DAYFLY_CHAOS_SECONDS").map_or(seconds, |seconds| seconds as u64);
    let (jobs, faults) = (given("DAYFLY_CHAOS_JOBS").unwrap_or(jobs), given("DAYFLY_CHAOS_FAULTS").unwrap_or(faults));
    chaos(jobs, faults, Duration::from_secs(seconds))
}

/// Ends the test unless all promises were kept.
fn must_be_clean(outcome: Outcome) {
    for violation in outcome.violations.iter().take(50) {
        println!("{violation}");
    }
    let (wrong, incidents) = (outcome.violations.len(), outcome.incidents.clone());
    if wrong > 0 || !incidents.is_empty() {
        panic!("{wrong} violations, {incidents:#?}; all observations are in {}", outcome.keep().display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_holds_under_a_hail_of_faults() {
    let outcome = small_or_large().run("chaos").await.expect("the harness works");
    println!("{}", outcome.figures);
    // The judge sees in this very history what it is there to see.
    for bug in BUGS {
        let mut history = outcome.history.clone();
        if (bug.plant)(&mut history).is_some() {
            let found = check(&history);
            assert!(found.iter().any(|violation| violation.invariant == bug.breaks), "{} is not seen", bug.name);
        }
    }
    must_be_clean(outcome);
}

/// Pauses of daemons and partitions beyond the lease, and jobs that are longer: what only self-fencing survives.
fn beyond_the_lease() -> Chaos {
    Chaos { aim: Aim::BeyondTheLease, slots: 4, ..chaos(20, 8, Duration::from_secs(16)) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pauses_and_partitions_beyond_the_lease_overlap_only_without_self_fencing() {
    let sound = beyond_the_lease();
    let mutant = Chaos { worker: Some(env!("CARGO_BIN_EXE_fenceless-worker").into()), ..sound.clone() };
    let (sound, mutant) = tokio::join!(sound.run("sound"), mutant.run("without self-fencing"));
    let (sound, mutant) = (sound.expect("the harness works"), mutant.expect("the harness works"));
    println!("{}\n{}", sound.figures, mutant.figures);
    must_be_clean(sound);
    let overlaps = mutant.broken(Invariant::NoOverlap);
    assert!(overlaps > 0, "nobody noticed that a worker does not fence itself: {}", mutant.keep().display());
}
