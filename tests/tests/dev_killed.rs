//! kill -9 of `dayfly dev` leaves no process, and kill -9 of a part has it started again.

use dayfly_tests::{Dev, alive, descendants, eventually};
use serde_json::Value;
use std::{fs, time::Duration};

const HARD: &str = "n=1000000000000000012000000000000000027";
const BOUND: Duration = Duration::from_secs(30);

fn submit_and_see_it_run(dev: &Dev) -> String {
    let answer: Value = serde_json::from_str(&dev.curl("/v1/tasks/factor", &format!("-d {HARD}"))).expect("JSON");
    let path = answer["links"]["self"].as_str().expect("a path").to_owned();
    eventually("the job runs", BOUND, || dev.curl(&path, "").contains("\"state\":\"running\"").then_some(()));
    path
}

fn command_line(pid: i32) -> String {
    String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).replace('\0', " ")
}

/// The pid of the descendant whose command line holds `word`.
fn part(dev: &Dev, word: &str) -> Option<i32> {
    descendants(dev.daemon.pid()).into_iter().find(|&pid| command_line(pid).contains(word))
}

#[test]
fn killing_it_leaves_nothing() {
    let mut dev = Dev::start();
    submit_and_see_it_run(&dev);
    // Running is said with the claim; the program comes a moment later.
    eventually("the job's program", BOUND, || part(&dev, "factor.py"));
    let all = descendants(dev.daemon.pid());
    let shown: Vec<String> = all.iter().map(|&pid| command_line(pid)).collect();
    assert!(shown.len() >= 6, "server, API, worker, supervisor, slots, job: {shown:?}");
    dev.daemon.kill();
    eventually("all its processes are gone", Duration::from_secs(10), || {
        all.iter().all(|&pid| !alive(pid)).then_some(())
    });
    dev.restart();
    assert!(
        dev.curl("/v1/jobs", "").contains(HARD.trim_start_matches("n="))
            || dev.curl("/v1/jobs", "").contains("running")
    );
}

#[test]
fn a_part_that_dies_is_started_again() {
    let dev = Dev::start();
    for word in ["dayfly api", "dayfly worker", "-server"] {
        let pid = part(&dev, word).unwrap_or_else(|| panic!("no part `{word}`"));
        drop(dev.shell(&format!("kill -9 {pid}")));
        eventually(&format!("another {word}"), BOUND, || part(&dev, word).filter(|&new| new != pid && alive(new)));
    }
    let done = eventually("a job runs after all that", BOUND, || {
        let address = &dev.address;
        let line = format!("curl -sS -H 'Prefer: wait=20' http://{address}/v1/tasks/factor -d n=15 || true");
        Some(dev.shell(&line)).filter(|answer| answer.contains("\"succeeded\""))
    });
    assert!(done.contains("[3, 5]"), "{done}");
    assert!(dev.daemon.output().contains("starting it again"), "{}", dev.daemon.output());
}
