//! Deadline, cancel and lease, each enforced by the slot.

use crate::room::{BOUND, end, hostile, mark, ready, start, supervisor};
use dayfly_common::model::KilledBy;
use dayfly_tests::{process::shell, processes_with};
use dayfly_worker::process::{BootTime, Exit, StartError};
use std::time::{Duration, Instant};

const fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

#[tokio::test]
async fn a_deadline_is_term_then_kill() {
    let supervisor = supervisor();
    let mut polite = shell("trap 'exit 5' TERM; echo ready >&3; while :; do sleep 0.05; done");
    (polite.timeout, polite.grace) = (ms(400), ms(5000));
    let (_run, job) = start(&supervisor, polite).await;
    let (ended, slot) = end(job).await;
    assert_eq!((ended.exit, ended.killed_by), (Exit::Code(5), Some(KilledBy::Deadline)));
    assert!((400..1500).contains(&ended.usage.wall_ms), "{:?}", ended.usage);
    assert!(slot.is_some());
}

#[tokio::test]
async fn what_ignores_term_and_hides_is_killed_after_the_grace() {
    let supervisor = supervisor();
    let mut job = hostile("daemonize");
    (job.timeout, job.grace) = (ms(600), ms(300));
    let word = mark(&mut job);
    let (mut run, job) = start(&supervisor, job).await;
    ready(&mut run).await;
    assert_eq!(processes_with(&word).len(), 2, "leader and grandchild");
    let (ended, slot) = end(job).await;
    assert!(processes_with(&word).is_empty(), "nothing may be left once the end is told");
    assert_eq!((ended.exit, ended.killed_by), (Exit::Signal(9), Some(KilledBy::Deadline)));
    assert!((900..1400).contains(&ended.usage.wall_ms), "{:?}", ended.usage);
    assert!(ended.kill_ms.is_some_and(|ms| (300..800).contains(&ms)), "{:?}", ended.kill_ms);
    assert!(slot.is_some());
}

#[tokio::test]
async fn no_grace_is_killed_at_once() {
    let supervisor = supervisor();
    let (mut run, job) = start(&supervisor, hostile("ignore-term")).await;
    ready(&mut run).await;
    let begun = Instant::now();
    run.control.kill(KilledBy::Cancel, Duration::ZERO);
    let (ended, _) = end(job).await;
    assert!(begun.elapsed() < ms(500), "{:?}", begun.elapsed());
    assert_eq!((ended.exit, ended.killed_by), (Exit::Signal(9), Some(KilledBy::Cancel)));
}

#[tokio::test]
async fn a_later_request_may_only_shorten_and_the_first_cause_stays() {
    let supervisor = supervisor();
    let (mut run, job) = start(&supervisor, hostile("ignore-term")).await;
    ready(&mut run).await;
    let begun = Instant::now();
    run.control.kill(KilledBy::Cancel, BOUND * 3);
    run.control.kill(KilledBy::Drain, ms(200));
    run.control.kill(KilledBy::Drain, BOUND * 3);
    let (ended, _) = end(job).await;
    assert!((ms(200)..ms(1000)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert_eq!(ended.killed_by, Some(KilledBy::Cancel));
    run.control.kill(KilledBy::Cancel, Duration::ZERO);
    run.control.renew(BootTime::now());
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_ends_the_job_before_its_limit() {
    let supervisor = supervisor();
    let slot = supervisor.open_slot().await.unwrap();
    let mut job = hostile("ignore-term");
    job.lease_ttl = ms(1200);
    job.lease_limit = BootTime::now().after(ms(1200));
    let limit = job.lease_limit;
    let (mut run, job) = slot.start(job).await.map_err(|(error, _)| error).unwrap();
    ready(&mut run).await;
    let (ended, slot) = end(job).await;
    let left = limit.since(BootTime::now());
    assert_eq!((ended.exit, ended.killed_by), (Exit::Signal(9), Some(KilledBy::Lease)));
    assert!(left >= ms(120), "the tree must be gone by L - ttl/10, {left:?} before L");
    assert!(left <= ms(200), "not before L - ttl/6: {left:?}");
    assert!((180..300).contains(&ended.kill_ms.unwrap_or(0)), "TERM at L - ttl/3: {:?}", ended.kill_ms);
    assert!(slot.is_some());
}

#[tokio::test]
async fn renewing_keeps_a_job_alive() {
    let supervisor = supervisor();
    // What a busy machine takes for that is not to be taken off the lease.
    let slot = supervisor.open_slot().await.unwrap();
    let mut job = shell("sleep 1.5; exit 6");
    job.lease_ttl = ms(900);
    job.lease_limit = BootTime::now().after(ms(900));
    let (run, job) = slot.start(job).await.map_err(|(error, _)| error).unwrap();
    let renewing = async {
        loop {
            run.control.renew(BootTime::now().after(ms(900)));
            tokio::time::sleep(ms(100)).await;
        }
    };
    let (ended, _) = tokio::select! {
        ended = end(job) => ended,
        () = renewing => unreachable!("it never ends"),
    };
    assert_eq!((ended.exit, ended.killed_by), (Exit::Code(6), None));
}

#[tokio::test]
async fn a_lease_that_may_be_over_sooner_is_shortened_until_it_is_renewed() {
    let supervisor = supervisor();
    let (mut run, job) = start(&supervisor, hostile("ignore-term")).await;
    ready(&mut run).await;
    run.control.shorten(BootTime::now());
    let (ended, _) = end(job).await;
    assert_eq!(ended.killed_by, Some(KilledBy::Lease));

    let mut spec = shell("sleep 1; exit 6");
    spec.lease_ttl = ms(3000);
    spec.lease_limit = BootTime::now().after(ms(60_000));
    let (run, job) = start(&supervisor, spec).await;
    run.control.shorten(BootTime::now().after(ms(1500)));
    run.control.renew(BootTime::now().after(ms(60_000)));
    let (ended, _) = end(job).await;
    assert_eq!((ended.exit, ended.killed_by), (Exit::Code(6), None));
}

#[tokio::test]
async fn nothing_starts_on_less_than_half_a_lease() {
    let supervisor = supervisor();
    let slot = supervisor.open_slot().await.unwrap();
    let mut job = shell("exit 0");
    job.lease_limit = BootTime::now().after(job.lease_ttl / 2 - ms(1));
    let (error, slot) = slot.start(job).await.map(|_| ()).expect_err("too late");
    assert!(matches!(error, StartError::LeaseTooShort), "{error:?}");
    assert!(slot.is_some());
}
