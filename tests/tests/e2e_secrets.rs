//! What a task's `env_file` and `pass_env` hand to its jobs is seen by those alone: not in Redis, not in a log, not by
//! another job.

use dayfly_tests::{Installation, PASSED_SECRET};
use serde_json::json;
use std::{fs, path::Path, time::Duration};

const FILE_SECRET: &str = "another-word-that-no-one-may-read";
const BOUND: Duration = Duration::from_secs(20);

const TASKS: &str = r#"
[tasks.keeper]
command = ["sh", "-c", "echo held >&2; printf %s \"$FILE_SECRET$PASSED_SECRET\" | cksum; echo '{\"progress\":1}' >&3; exec sleep 600"]
env_file = ["secrets.env"]
pass_env = ["PASSED_SECRET"]
[tasks.broken]
command = ["no-such-program"]
env_file = ["secrets.env"]
pass_env = ["PASSED_SECRET"]
[tasks.spy]
command = ["sh", "-c", "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c _SECRET; true"]
"#;

fn holds(folder: &Path, word: &str) -> bool {
    fs::read_dir(folder).expect("a folder").flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, word);
        }
        let bytes = fs::read(&path).unwrap_or_default();
        bytes.windows(word.len()).any(|part| part == word.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_reach_their_job_and_nobody_else() {
    let mut rig = Installation::start(TASKS).await;
    fs::write(rig.path("secrets.env"), format!("FILE_SECRET={FILE_SECRET}\n")).expect("a file");
    rig.add_worker(2).await;
    let keeper = rig.submit("keeper", &json!({})).await;
    rig.job_until(&keeper, BOUND, "runs", |job| job["progress"]["fraction"] == 1.0).await;
    let shown = rig.get("/v1/workers").await;
    if shown["items"][0]["isolation"] == "pidns" {
        let id = rig.submit("spy", &json!({})).await;
        assert_eq!(rig.ended(&id).await["result"], 0, "another job sees them");
    }
    let id = rig.submit("broken", &json!({})).await;
    assert_eq!(rig.ended(&id).await["error"]["kind"], "spawn_failed");
    rig.request("POST", &format!("/v1/jobs/{keeper}/cancel")).send().await.expect("an answer");
    rig.ended(&keeper).await;

    // The append-only file holds every write there was; the other folder holds both daemons' logs, at their most talkative.
    let places = [rig.server.dir(), rig.dir()];
    assert!(places.iter().all(|place| holds(place, &keeper)), "the search finds what is there");
    fs::remove_file(rig.path("secrets.env")).expect("the file");
    for secret in [FILE_SECRET, PASSED_SECRET] {
        assert!(!holds(places[0], secret), "in Redis");
        assert!(!holds(places[1], secret), "in a log");
    }
}
