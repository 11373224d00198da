//! Fast recovery: the lease is a minute long, yet the jobs of a killed worker run again seconds after its restart, or at
//! once on another worker of the same host; never while anything of them is alive.

use dayfly_tests::{Installation, alive, eventually, parent, processes_with};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(20);
const TASK: &str = r#"
[tasks.nap]
command = ["sh", "-c", "setsid sleep 600 & wait"]
kill_grace = "0s"
lost_retries = 100
"#;

/// An installation with leases of a minute, as in service.
async fn installation() -> Installation {
    Installation::start_with_lease("60s", TASK).await
}

async fn running(rig: &Installation, id: &str, attempt: u64) -> Value {
    let what = format!("runs for the {attempt}. time");
    rig.job_until(id, BOUND, &what, |job| job["state"] == "running" && job["attempt"] == attempt).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_takes_the_killed_daemons_jobs_up_at_once() {
    let mut rig = installation().await;
    rig.add_worker(2).await;
    let ids = [rig.submit("nap", &json!({})).await, rig.submit("nap", &json!({})).await];
    let mut taken = Vec::new();
    let rounds = if std::env::var_os("DAYFLY_TEST_LONG").is_some() { 50 } else { 5 };
    for attempt in 1..=rounds {
        for id in &ids {
            running(&rig, id, attempt).await;
            eventually("its processes run", BOUND, || (processes_with(id).len() > 1).then_some(()));
        }
        rig.workers[0].kill();
        let begun = Instant::now();
        rig.restart_worker(0, 2);
        for id in &ids {
            running(&rig, id, attempt + 1).await;
        }
        taken.push(begun.elapsed());
    }
    taken.sort_unstable();
    let (half, most) = (taken[taken.len() / 2], taken[taken.len() - 1]);
    println!(
        "from the restart of a killed worker until its jobs run again, {rounds} times: p50 {half:?}, longest {most:?}"
    );
    // Time is the subject: without recovery it would be a minute.
    assert!(half <= Duration::from_secs(2), "half of them: {taken:?}");
    let job = rig.job(&ids[0]).await;
    let history = job["attempts"].as_array().expect("a list");
    assert!(
        history.len() == usize::try_from(rounds).expect("few")
            && history.iter().all(|attempt| attempt["outcome"] == "lost"),
        "{job}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_worker_of_the_host_does_it_too_and_nobody_takes_from_the_living() {
    let mut rig = installation().await;
    rig.add_worker(1).await;
    let id = rig.submit("nap", &json!({})).await;
    running(&rig, &id, 1).await;
    rig.add_worker(2).await;
    let other = rig.submit("nap", &json!({})).await;
    running(&rig, &other, 1).await;
    let first = rig.worker_id(0).await;
    rig.workers[0].signal(Signal::SIGKILL);
    let again = running(&rig, &id, 2).await;
    assert_ne!(again["worker"]["id"], first.as_str());
    assert_eq!(rig.job(&other).await["attempt"], 1, "its worker is alive");
    let workers = rig.get("/v1/workers").await;
    assert_eq!(workers["items"].as_array().map(Vec::len), Some(1), "the dead one is not shown any more: {workers}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_jobs_of_a_worker_that_may_be_of_another_host_wait_for_their_leases_end() {
    let mut rig = Installation::start_with_lease("3s", TASK).await;
    rig.add_worker(1).await;
    let id = rig.submit("nap", &json!({})).await;
    running(&rig, &id, 1).await;
    rig.add_worker(1).await;
    let first = rig.worker_id(0).await;
    // A folder that does not name this boot, as one on a shared disk.
    std::fs::remove_file(rig.path(&format!("state/workers/{first}/boot"))).expect("it is there");
    rig.workers[0].signal(Signal::SIGKILL);
    let killed = Instant::now();
    running(&rig, &id, 2).await;
    let taken = killed.elapsed();
    println!("from the kill of a worker until another host runs its job again, with leases of 3 s: {taken:?}");
    assert!(taken >= Duration::from_millis(1500), "renewed a second ago at most: {taken:?}");
    assert!(!rig.path(&format!("state/workers/{first}")).exists(), "its folder is not kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_something_of_the_dead_worker_lives_its_jobs_wait() {
    let mut rig = installation().await;
    rig.add_worker(1).await;
    let id = rig.submit("nap", &json!({})).await;
    running(&rig, &id, 1).await;
    // A slot that is stopped cannot end its job when the daemon dies, nor let go of the lock.
    let slot = eventually("the job's slot", BOUND, || {
        let leader = *processes_with(&id).iter().min()?;
        parent(leader)
    });
    kill(Pid::from_raw(slot), Signal::SIGSTOP).expect("the slot is there");
    rig.workers[0].signal(Signal::SIGKILL);
    rig.restart_worker(0, 1);
    eventually("the restarted worker works", BOUND, || rig.workers[0].output().contains("working").then_some(()));
    let attempt = rig.job(&id).await["attempt"].clone();
    assert!(attempt == 1 || !alive(slot), "{attempt}");
    // The supervisor kills what does not end by itself after 4 s, and only then the lock is free.
    let again = running(&rig, &id, 2).await;
    assert!(!alive(slot));
    assert_eq!(again["attempts"][0]["outcome"], "lost");
}
