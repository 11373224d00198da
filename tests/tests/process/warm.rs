//! Jobs of warm hosts: one process each, ended like any other, and nothing of them left in or beside their host.

use crate::{
    hostile::best,
    room::{end, gets_ready, mark, run_in, supervisor_in},
    warm_code::{CODE, Code, result, slot, who},
};
use dayfly_common::model::KilledBy;
use dayfly_tests::Census;
use dayfly_worker::process::{Exit, Isolation, Note};
use serde_json::{Value, json};
use std::{fs, time::Duration};

#[tokio::test]
async fn each_job_is_a_fresh_child_of_one_host() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let mut job = code.job("who", &json!({}));
    job.env.push(("WORD".to_owned(), "of the first".to_owned()));
    let first = run_in(slot(&supervisor).await, job).await;
    let one = result(&first);
    assert!(first.notes.iter().any(|note| matches!(note, Note::Leads(_))), "its pid is told: {:?}", first.notes);
    let (two, _) = who(&code, first.slot.expect("the slot")).await;
    assert_eq!(one["host"], two["host"], "loaded once");
    assert_eq!(one["loaded_by"], one["host"]);
    assert_ne!(one["pid"], two["pid"]);
    assert_eq!((&one["env"], &two["env"]), (&json!("of the first"), &Value::Null));
    assert_eq!(two["session"], two["pid"], "a session of its own");
    assert_eq!(two["dir"], json!(code.path().canonicalize().expect("a path").display().to_string()));
    // Standard ones, events, and the result's.
    assert_eq!(two["fds"], json!([0, 1, 2, 3, 4]), "no socket of the host's is left in it");
    assert!(first.ended.usage.max_rss_bytes > 1 << 20 && first.ended.usage.cpu_ms < 5_000, "{:?}", first.ended.usage);
}

#[tokio::test]
async fn every_end_is_told_and_harms_neither_host_nor_the_next() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let mut slot = slot(&supervisor).await;
    for (how, exit, says) in [
        ("raise", Exit::Code(1), "ValueError: no"),
        ("segfault", Exit::Signal(11), ""),
        ("exit", Exit::Code(7), ""),
        ("sys-exit", Exit::Code(1), "enough"),
        ("kill-self", Exit::Signal(9), ""),
        ("kill-host", Exit::Code(0), ""),
        ("return", Exit::Code(0), ""),
    ] {
        let done = run_in(slot, code.job("end", &json!({ "how": how }))).await;
        assert_eq!(done.ended.exit, exit, "{how}: {:?}", done.ended);
        assert!(done.ended.stderr_tail.contains(says), "{how}: {:?}", done.ended.stderr_tail);
        assert_eq!(done.ended.exception.is_some(), how == "raise", "{how}");
        assert_eq!(done.ended.killed_by, None, "{how}");
        let (_, next) = who(&code, done.slot.expect("the slot lives")).await;
        slot = next;
    }
}

async fn leftovers_are_ended_in(isolation: Isolation) {
    let (code, supervisor) = (Code::write(), supervisor_in(isolation));
    let mut slot = slot(&supervisor).await;
    for how in ["nothing", "child", "session", "sibling", "sibling-and-host", "orphan"] {
        println!("{how}");
        let mut job = code.job("leave", &json!({ "how": how }));
        let word = mark(&mut job);
        let pid = slot.pid();
        let done = run_in(slot, job).await;
        // The words of a job stand in the memory of its processes only; what it forks without a new program has its host's.
        let left = Census::take(pid, &word);
        assert_eq!(done.ended.exit, Exit::Code(0), "{how}: {:?}", done.ended);
        assert_eq!(done.ended.kill_ms.is_some(), how != "nothing", "{how}: {:?}", done.ended);
        let (host, next) = who(&code, done.slot.expect("the slot")).await;
        let alone = Census::take(pid, &word);
        assert!(alone.len() <= 4, "{how}: hosts of two functions and a child each: {alone:?}");
        assert!(left.survivors().len() <= 4, "{how}: {left:?}");
        assert!(host["host"].is_number());
        slot = next;
    }
}

#[tokio::test]
async fn leftovers_of_a_job_are_ended_in_the_best_tier() {
    leftovers_are_ended_in(best().await).await;
}

#[tokio::test]
async fn leftovers_of_a_job_are_ended_in_the_plain_tier() {
    leftovers_are_ended_in(Isolation::Tree).await;
}

#[tokio::test]
async fn a_deadline_and_a_cancel_end_all_of_it() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let mut slot = slot(&supervisor).await;
    for cause in [KilledBy::Deadline, KilledBy::Cancel] {
        // The host is there when the time begins.
        let (before, next) = who(&code, slot).await;
        let mut job = code.job("hang", &json!({}));
        job.grace = Duration::from_millis(50);
        if cause == KilledBy::Deadline {
            job.timeout = Duration::from_secs(6);
        }
        let word = mark(&mut job);
        let pid = next.pid();
        let (mut run, job) = next.start(job).await.map_err(|(error, _)| error).expect("a running job");
        assert!(gets_ready(&mut run).await);
        let census = Census::take(pid, &word);
        if cause == KilledBy::Cancel {
            run.control.kill(cause, Duration::from_millis(50));
        }
        let (ended, after) = end(job).await;
        assert_eq!(ended.killed_by, Some(cause), "{ended:?}");
        assert_eq!(census.survivors(), [0; 0], "the host went with it");
        let (anew, next) = who(&code, after.expect("the slot")).await;
        assert_ne!(before["host"], anew["host"]);
        slot = next;
    }
}

#[tokio::test]
async fn a_host_that_loads_for_ever_ends_with_its_job() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    fs::write(code.path().join("code_of_jobs.py"), "import time\ntime.sleep(600)\n").expect("the code");
    let mut job = code.job("who", &json!({}));
    job.timeout = Duration::from_millis(500);
    let done = run_in(slot(&supervisor).await, job).await;
    assert_eq!(done.ended.killed_by, Some(KilledBy::Deadline), "{:?}", done.ended);
    let (run, job) = {
        let slot = done.slot.expect("the slot");
        slot.start(code.job("who", &json!({}))).await.map_err(|(error, _)| error).expect("a running job")
    };
    run.control.kill(KilledBy::Cancel, Duration::from_secs(60));
    let (ended, _) = end(job).await;
    assert_eq!(ended.killed_by, Some(KilledBy::Cancel), "{ended:?}");
}

#[tokio::test]
async fn code_that_cannot_be_loaded_fails_its_job_with_the_reason_and_heals() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let file = code.path().join("code_of_jobs.py");
    fs::write(&file, "import of_nothing\n").expect("the code");
    let done = run_in(slot(&supervisor).await, code.job("who", &json!({}))).await;
    assert_eq!(done.ended.exit, Exit::Code(1));
    assert!(done.ended.stderr_tail.contains("No module named 'of_nothing'"), "{}", done.ended.stderr_tail);
    fs::write(&file, CODE).expect("the code");
    let (_, slot) = who(&code, done.slot.expect("the slot")).await;
    // The next change is seen too: by the job that meets it, and by a new host.
    fs::write(&file, CODE.replace("\"env\":", "\"newer\":")).expect("the code");
    let (new, slot) = who(&code, slot).await;
    assert!(new["newer"].is_null() && new.get("env").is_none(), "{new}");
    let (newer, _) = who(&code, slot).await;
    assert_eq!(newer["loaded_by"], newer["host"]);
    assert!(newer.get("env").is_none());
}

#[tokio::test]
async fn limits_hold_for_a_warm_job_and_not_for_its_host() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let grow = "def who():\n    return len(bytearray(900 << 20))\n";
    let mut slot = slot(&supervisor).await;
    for attempt in 0..2 {
        fs::write(code.path().join("code_of_jobs.py"), grow).expect("the code");
        let mut job = code.job("who", &json!({}));
        job.limits.memory = Some(200 << 20);
        let done = run_in(slot, job).await;
        assert_ne!(done.ended.exit, Exit::Code(0), "{attempt}: {:?}", done.ended);
        slot = done.slot.expect("the slot");
    }
    let done = run_in(slot, code.job("who", &json!({}))).await;
    assert_eq!(result(&done), json!(900 << 20), "without the limit it fits");
}

#[tokio::test]
async fn jobs_of_one_host_draw_different_numbers() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let one = run_in(slot(&supervisor).await, code.job("random_numbers", &json!({}))).await;
    let (one, slot) = (result(&one), one.slot.expect("the slot"));
    let two = run_in(slot, code.job("random_numbers", &json!({}))).await;
    assert_ne!(one, result(&two));
}

#[tokio::test]
async fn while_code_is_loaded_nothing_is_known_of_any_job_and_then_all_is_frozen() {
    let (code, supervisor) = (Code::write(), supervisor_in(Isolation::Auto));
    let mut job = code.job("loading", &json!({}));
    for name in ["DAYFLY_JOB_ID", "DAYFLY_FENCE", "DAYFLY_DIR", "TRACEPARENT"] {
        job.env.push((name.to_owned(), "of the first".to_owned()));
    }
    let done = run_in(slot(&supervisor).await, job).await;
    let said = result(&done);
    assert_eq!(said["environ"], json!({}), "{said}");
    assert!(said["frozen"].as_u64().is_some_and(|objects| objects > 1_000), "{said}");
}
