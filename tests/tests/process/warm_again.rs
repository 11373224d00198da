//! Hosts that a slot has lost come back by themselves, while it waits for its next job.

use crate::{
    room::{BOUND, Done, end, gets_ready, kill_hard, run_in, supervisor_in},
    warm_code::{CODE, Code, is_host, result, slot, who},
};
use dayfly_common::model::KilledBy;
use dayfly_tests::{alive, eventually};
use dayfly_worker::process::{Exit, Isolation, Slot};
use serde_json::json;
use std::{fs, time::Duration};

pub(crate) fn children(pid: i32) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// The slot's hosts, as this test sees their pids.
pub(crate) fn hosts(slot: &Slot) -> Vec<i32> {
    children(slot.pid()).into_iter().filter(|pid| is_host(*pid)).collect()
}

/// Its hosts once there are so many, none of them known before, and each has a child for the next job.
async fn new_hosts(slot: &Slot, known: &[i32], many: usize) -> Vec<i32> {
    let found = || {
        let hosts = hosts(slot);
        let ready = hosts.iter().all(|host| !known.contains(host) && children(*host).len() == 1);
        (ready && hosts.len() == many).then_some(hosts)
    };
    tokio::task::block_in_place(|| eventually("hosts that wait", BOUND, found))
}

/// A job that hangs, ended by a cancel.
async fn cancelled(code: &Code, slot: Slot) -> Slot {
    let (mut run, job) = slot.start(code.job("hang", &json!({}))).await.map_err(|(error, _)| error).expect("a job");
    assert!(gets_ready(&mut run).await);
    run.control.kill(KilledBy::Cancel, Duration::from_millis(20));
    let (ended, slot) = end(job).await;
    assert_eq!(ended.killed_by, Some(KilledBy::Cancel), "{ended:?}");
    slot.expect("the slot")
}

/// Whose job it is, by pids of the slot's own namespace: only for comparison with each other.
async fn host_of_next(code: &Code, slot: Slot) -> (i64, Slot) {
    let (who, slot) = who(code, slot).await;
    (who["host"].as_i64().expect("a pid"), slot)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_all_hosts_of_the_slot_are_loaded_again_before_anybody_asks() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    // Loaded at once or never: that the host of the next job is one seen before it says that the job waited for no import.
    let (one, other) = (slot(&supervisor).await, slot(&supervisor).await);
    let (beside, other) = host_of_next(&code, other).await;
    let (before, one) = host_of_next(&code, one).await;
    let (known, kept) = (hosts(&one), hosts(&other));
    let one = cancelled(&code, one).await;
    let new = new_hosts(&one, &known, 2).await;
    let (after, one) = host_of_next(&code, one).await;
    assert_ne!(before, after);
    assert_eq!(new, hosts(&one), "the next job has started none");
    let (still, other) = host_of_next(&code, other).await;
    assert_eq!((beside, kept), (still, hosts(&other)), "the other slot notices nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_dies_is_there_again_and_one_that_had_its_last_job_too() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let (_, slot) = host_of_next(&code, slot(&supervisor).await).await;
    let first = hosts(&slot);
    first.iter().for_each(|host| kill_hard(*host));
    let second = new_hosts(&slot, &first, 1).await;
    let mut job = code.job("who", &json!({}));
    job.warm.as_mut().expect("warm").max_jobs = 1;
    let done = run_in(slot, job).await;
    assert_eq!(done.ended.exit, Exit::Code(0), "{:?}", done.ended);
    let slot = done.slot.expect("the slot");
    new_hosts(&slot, &second, 1).await;
}

#[tokio::test]
async fn code_that_ends_its_host_is_loaded_once_a_job_and_not_in_between() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let loads = code.path().join("loads");
    let text = format!("import os\nopen({:?}, 'a').write('x')\nos._exit(3)\n", loads.display().to_string());
    fs::write(code.path().join("code_of_jobs.py"), text).expect("the code");
    let mut slot = slot(&supervisor).await;
    for number in 1..=3 {
        let Done { ended, slot: next, .. } = run_in(slot, code.job("who", &json!({}))).await;
        assert_eq!((ended.exit, ended.killed_by), (Exit::Code(1), None), "{ended:?}");
        assert_eq!(fs::read_to_string(&loads).expect("it was loaded").len(), number);
        slot = next.expect("the slot");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_loads_for_nobody_ends_with_its_slot_and_keeps_no_other_job_waiting() {
    for isolation in [Isolation::Auto, Isolation::Tree] {
        let (code, supervisor) = (Code::write(), supervisor_in(isolation));
        let slow = code.path().join("slow");
        // A child of the import's own stands beside it.
        let text = format!(
            "import os, subprocess\nif os.path.exists({:?}) and 'hang' in sys.argv[-1]:\n    subprocess.run(['sleep', '600'])\n",
            slow.display().to_string()
        );
        fs::write(code.path().join("code_of_jobs.py"), format!("import sys\n{text}{CODE}")).expect("the code");
        let slot = slot(&supervisor).await;
        let (mut run, job) = slot.start(code.job("hang", &json!({}))).await.map_err(|(error, _)| error).expect("a job");
        assert!(gets_ready(&mut run).await);
        fs::write(&slow, "").expect("written");
        run.control.kill(KilledBy::Cancel, Duration::from_millis(20));
        let slot = end(job).await.1.expect("the slot");
        // Its import has begun, and does not end.
        let loading = || hosts(&slot).into_iter().find(|host| children(*host).iter().any(|child| !is_host(*child)));
        let host = tokio::task::block_in_place(|| eventually("a host that loads", BOUND, loading));
        let done = run_in(slot, code.job("random_numbers", &json!({}))).await;
        assert!(result(&done).is_array());
        assert_eq!(done.ended.kill_ms, None, "nothing had to be killed: {:?}", done.ended);
        assert!(alive(host), "it loads on");
        let all: Vec<i32> = children(host).into_iter().chain([host]).collect();
        drop((done, supervisor));
        tokio::task::block_in_place(|| {
            eventually("nothing is left", BOUND, || all.iter().all(|pid| !alive(*pid)).then_some(()));
        });
    }
}
