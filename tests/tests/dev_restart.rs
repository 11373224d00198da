//! Ctrl-C drains and keeps every job; a second one ends at once; the next start goes on with them.

use dayfly_tests::{Dev, descendants, eventually};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::time::{Duration, Instant};

const HARD: &str = "n=1000000000000000012000000000000000027";
const BOUND: Duration = Duration::from_secs(30);

fn submit(dev: &Dev, query: &str, field: &str) -> String {
    let answer: Value =
        serde_json::from_str(&dev.curl(&format!("/v1/tasks/factor{query}"), &format!("-d {field}"))).expect("JSON");
    answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn job(dev: &Dev, id: &str) -> Value {
    serde_json::from_str(&dev.curl(&format!("/v1/jobs/{id}"), "")).expect("JSON")
}

fn job_in(dev: &Dev, id: &str, state: &str) -> Value {
    eventually(&format!("{id} is {state}"), BOUND, || Some(job(dev, id)).filter(|job| job["state"] == state))
}

#[test]
fn ctrl_c_twice_keeps_all_jobs_and_the_next_start_runs_them() {
    let mut dev = Dev::start();
    let done = submit(&dev, "", "n=360");
    job_in(&dev, &done, "succeeded");
    let long = submit(&dev, "", HARD);
    let later = submit(&dev, "?delay=1h", "n=7");
    job_in(&dev, &long, "running");
    let all = descendants(dev.daemon.pid());
    dev.daemon.signal(Signal::SIGINT);
    eventually("it drains", BOUND, || dev.daemon.output().contains("draining").then_some(()));
    let second = Instant::now();
    dev.daemon.signal(Signal::SIGINT);
    let status = dev.daemon.wait(BOUND);
    assert_eq!(status.code(), Some(0));
    assert!(second.elapsed() < Duration::from_secs(10), "a second Ctrl-C took {:?}", second.elapsed());
    assert!(all.len() >= 5 && all.iter().all(|&pid| !dayfly_tests::alive(pid)), "{all:?}");

    let port = dev.shell("cat data/redis.port");
    dev.restart();
    assert_eq!(dev.shell("cat data/redis.port"), port, "the server's port is kept");
    assert_eq!(job(&dev, &done)["result"]["factors"], serde_json::json!([2, 2, 2, 3, 3, 5]));
    assert_eq!(job(&dev, &later)["state"], "scheduled");
    let again = job_in(&dev, &long, "running");
    assert_eq!(again["attempt"], 2, "drained, queued again, claimed again: {again}");
}

#[test]
fn one_ctrl_c_lets_a_running_job_finish() {
    let mut dev = Dev::start();
    let short = submit(&dev, "", "n=1000000000100000000002379");
    job_in(&dev, &short, "running");
    dev.daemon.signal(Signal::SIGINT);
    assert_eq!(dev.daemon.wait(Duration::from_secs(60)).code(), Some(0));
    dev.restart();
    let ended = job(&dev, &short);
    assert_eq!((&ended["state"], &ended["attempt"]), (&"succeeded".into(), &1.into()), "{ended}");
}
