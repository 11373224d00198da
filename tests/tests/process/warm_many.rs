//! Very many jobs of one host: it stays as it was, and so does its slot. 10,000 with `DAYFLY_TEST_LONG=1`.

use crate::{
    room::{run_in, supervisor_in},
    warm_again::{children, hosts},
    warm_code::{Code, result, slot},
};
use dayfly_worker::process::{Exit, Isolation};
use serde_json::{Value, json};
use std::{fs, process::Command, time::Instant};

/// Jobs after which nothing is new any more.
const BEFORE: usize = 50;

/// What a process holds.
#[derive(Debug)]
struct Holds {
    /// Resident, kB.
    memory: u64,
    descriptors: usize,
    zombies: usize,
}

fn holds(pid: i32) -> Holds {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
    let is_zombie = |pid: &i32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.contains("State:\tZ")
    };
    Holds {
        memory: memory.expect("its size"),
        // A host is closed to others of its user.
        descriptors: fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count),
        zombies: children(pid).iter().filter(|child| is_zombie(child)).count(),
    }
}

/// What the function gives when it is called as a function, in a process of its own.
fn plain(code: &Code, many: usize) -> Vec<Value> {
    let text = format!("import code_of_jobs, json; print(json.dumps([code_of_jobs.mixed(n) for n in range({many})]))");
    let said = Command::new("python3").args(["-c", &text]).current_dir(code.path()).output().expect("python3 runs");
    serde_json::from_slice(&said.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&said.stderr)))
}

#[tokio::test]
async fn a_host_stays_as_it_was_over_very_many_jobs() {
    let many = if std::env::var_os("DAYFLY_TEST_LONG").is_some() { 10_000 } else { 300 };
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let wanted = plain(&code, many);
    let mut slot = slot(&supervisor).await;
    let (mut first, begun) = (None, Instant::now());
    for (n, wanted) in wanted.iter().enumerate() {
        let mut job = code.job("mixed", &json!({ "n": n }));
        job.warm.as_mut().expect("warm").max_jobs = 100_000;
        let done = run_in(slot, job).await;
        assert_eq!((done.ended.exit, done.ended.kill_ms), (Exit::Code(0), None), "{n}: {:?}", done.ended);
        assert_eq!(&result(&done), wanted, "{n}");
        slot = done.slot.expect("the slot");
        if n == BEFORE {
            first = Some((hosts(&slot), holds(hosts(&slot)[0]), holds(slot.pid())));
        }
    }
    let taken = begun.elapsed();
    let (host, before, slot_before) = first.expect("more jobs than that");
    assert_eq!(hosts(&slot), host, "one host for all");
    let (after, slot_after) = (holds(host[0]), holds(slot.pid()));
    println!("{many} jobs in {taken:?}; host {before:?}, then {after:?}; slot {slot_before:?}, then {slot_after:?}");
    assert!(after.memory <= before.memory + 1024, "{before:?} {after:?}");
    assert!(slot_after.memory <= slot_before.memory + 1024, "{slot_before:?} {slot_after:?}");
    assert_eq!(after.descriptors, before.descriptors);
    assert_eq!(slot_after.descriptors, slot_before.descriptors);
    assert_eq!((after.zombies, slot_after.zombies), (0, 0));
}

#[tokio::test]
async fn a_host_that_has_grown_beyond_its_cap_is_replaced() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let mut slot = slot(&supervisor).await;
    let mut hosts = Vec::new();
    for most in [1 << 30, 1 << 30, 1 << 20, 1 << 30] {
        let mut job = code.job("who", &json!({}));
        job.warm.as_mut().expect("warm").max_memory = Some(most);
        let done = run_in(slot, job).await;
        assert_eq!((done.ended.exit, done.ended.kill_ms), (Exit::Code(0), None), "{:?}", done.ended);
        hosts.push(result(&done)["host"].clone());
        slot = done.slot.expect("the slot");
    }
    assert!(hosts[0] == hosts[1] && hosts[1] == hosts[2] && hosts[2] != hosts[3], "{hosts:?}");
}
