//! The tiers: what each shows to a job, and how the best one is found.

use crate::room::{end, hostile, mark, ready, root, start, supervisor_in};
use dayfly_common::model::KilledBy;
use dayfly_tests::{process::shell, processes_with};
use dayfly_worker::process::{Isolation, Tier};
use std::{
    process::Command,
    time::{Duration, Instant},
};

/// Whether an ordinary user gets a pid namespace with a `/proc` to match here, as another program finds it.
fn namespaces_of_anybody() -> bool {
    let unshare = Command::new("unshare").args(["--map-root-user", "--pid", "--fork", "--mount-proc", "true"]).output();
    unshare.is_ok_and(|done| done.status.success())
}

#[tokio::test]
async fn the_best_tier_is_found_by_trying() {
    let begun = Instant::now();
    let auto = supervisor_in(Isolation::Auto);
    let found = auto.tier().await.unwrap();
    println!("self-test: {:?}, {found:?}", begun.elapsed());
    if root() || namespaces_of_anybody() {
        assert_eq!((found.tier, found.refused.len()), (Tier::Pidns, 0), "{found:?}");
    }
    let tree = supervisor_in(Isolation::Tree);
    assert_eq!(tree.tier().await.unwrap().tier, Tier::Tree);
}

#[tokio::test]
async fn a_job_in_a_namespace_sees_only_its_own_tree() {
    let supervisor = supervisor_in(Isolation::Auto);
    if supervisor.tier().await.unwrap().tier != Tier::Pidns {
        return;
    }
    let mut job = shell("ls /proc | grep -c '^[0-9]'; cat /proc/1/comm; echo $$ >&3; sleep 60");
    let word = mark(&mut job);
    let (mut run, job) = start(&supervisor, job).await;
    let inner = run.notes.recv().await;
    assert!(
        matches!(&inner, Some(dayfly_worker::process::Note::Event(_, pid)) if pid.parse::<i32>().unwrap() < 10),
        "{inner:?}"
    );
    assert!(processes_with(&word).contains(&run.pid), "the leader's pid as the host sees it");
    run.control.kill(KilledBy::Cancel, Duration::ZERO);
    let (ended, _) = end(job).await;
    let text = String::from_utf8(ended.stdout).unwrap();
    let mut lines = text.lines();
    assert!(lines.next().unwrap().parse::<u32>().unwrap() < 8, "{text}");
    assert_eq!(lines.next(), Some("dayfly-slot"));
}

#[tokio::test]
async fn the_leaders_pid_is_its_own_in_the_plain_tier() {
    let supervisor = supervisor_in(Isolation::Tree);
    let mut job = hostile("ignore-term");
    let word = mark(&mut job);
    let (mut run, job) = start(&supervisor, job).await;
    ready(&mut run).await;
    assert_eq!(processes_with(&word), [run.pid]);
    run.control.kill(KilledBy::Cancel, Duration::ZERO);
    end(job).await;
}
