//! A job that prints far more than is kept: the daemon's memory does not grow with it, and other jobs do not wait for it.

use crate::room::{BOUND, end, run_in, start, supervisor};
use dayfly_tests::process::shell;
use dayfly_worker::process::Exit;
use std::{
    fs,
    time::{Duration, Instant},
};

/// Bytes on each of the two streams.
fn flood() -> u64 {
    if std::env::var_os("DAYFLY_TEST_LONG").is_some() { 10 << 30 } else { 256 << 20 }
}

/// The most memory this process has had since [`forget_peak`], bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("/proc");
}

#[tokio::test]
async fn a_flood_on_both_streams_costs_the_daemon_its_caps_and_no_more() {
    let supervisor = supervisor();
    let bytes = flood();
    let mut job = shell(&format!("head -c {bytes} /dev/zero & yes 'noise and more noise' | head -c {bytes} >&2; wait"));
    (job.max_result, job.max_log) = (1 << 20, 1 << 20);
    job.timeout = Duration::from_secs(600);
    let mut slot = supervisor.open_slot().await.unwrap();
    forget_peak();
    let before = peak();
    let begun = Instant::now();
    let (mut run, flooding) = start(&supervisor, job).await;
    let reading = tokio::spawn(async move { while run.notes.recv().await.is_some() {} });
    let mut flooding = Box::pin(flooding.ended());
    let mut waits = Vec::new();
    let (ended, _) = loop {
        let other = async {
            let begun = Instant::now();
            (run_in(slot, shell("exit 0")).await, begun.elapsed())
        };
        tokio::pin!(other);
        let done = tokio::select! {
            ended = &mut flooding => break ended,
            done = &mut other => done,
        };
        waits.push(done.1);
        slot = done.0.slot.expect("a slot");
    };
    reading.await.unwrap();
    let grown = peak() - before;
    waits.sort();
    println!(
        "2 x {} MiB in {:?}: {} KiB more memory; {} other jobs meanwhile, p50 {:?}, longest {:?}",
        bytes >> 20,
        begun.elapsed(),
        grown >> 10,
        waits.len(),
        waits.get(waits.len() / 2),
        waits.last()
    );
    assert_eq!((ended.exit, ended.stdout.len(), ended.stdout_truncated), (Exit::Code(0), 1 << 20, true));
    assert!(grown < 16 << 20, "{grown} bytes");
    assert!(waits.iter().all(|wait| *wait < BOUND / 10), "another job had to wait: {:?}", waits.last());
    let (_run, job) = start(&supervisor, shell("exit 0")).await;
    assert_eq!(end(job).await.0.exit, Exit::Code(0));
}
