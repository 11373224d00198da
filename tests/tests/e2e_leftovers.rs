//! Daemon, supervisor and slot killed at one moment: in the plain tier the job's processes are left, until the next start.

use dayfly_tests::{Installation, alive, descendants, eventually, processes_with};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;
use std::{fs, time::Duration};

/// Stays in the `[worker]` section of the file.
const TASKS: &str = r#"isolation = "tree"
[tasks.daemonize]
command = ["sh", "-c", "trap '' TERM; setsid sleep 60 & sleep 60"]
lost_retries = 0
"#;

const BOUND: Duration = Duration::from_secs(10);

/// Slots and supervisors carry their role as their name.
fn has_role(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("dayfly-"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_start_ends_what_a_killed_worker_left() {
    let mut rig = Installation::start(TASKS).await;
    let worker = rig.add_worker(1).await;
    let shown = rig.get("/v1/workers").await;
    assert_eq!(shown["items"][0]["isolation"], "tree", "{shown}");
    let id = rig.submit("daemonize", &json!({})).await;
    let job = eventually("the job's tree stands", BOUND, || {
        let job = processes_with(&id);
        (job.len() >= 3).then_some(job)
    });
    let daemon = rig.workers[worker].pid();
    let mut owners: Vec<i32> = descendants(daemon).into_iter().filter(|pid| has_role(*pid)).collect();
    assert_eq!(owners.len(), 2, "a supervisor and a slot");
    owners.push(daemon);
    for what in [Signal::SIGSTOP, Signal::SIGKILL] {
        owners.iter().for_each(|pid| kill(Pid::from_raw(*pid), what).expect("a process of this test's"));
    }
    eventually("they have died", BOUND, || (!owners[..2].iter().any(|pid| alive(*pid))).then_some(()));
    assert!(job.iter().any(|pid| alive(*pid)), "the plain tier leaves something here, or this test shows nothing");
    rig.restart_worker(worker, 1);
    eventually("nothing of the job is left", BOUND, || processes_with(&id).is_empty().then_some(()));
    let ended = rig.ended(&id).await;
    assert_eq!(ended["error"]["kind"], "lost", "{ended}");
}
