//! API, workers and server are killed with SIGKILL at random while jobs are submitted and run. After they are back, every
//! acknowledged job reaches exactly one terminal state, and its program has run to its end.

use dayfly_tests::{Installation, eventually, processes_with};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const JOBS: usize = 300;
const FAULTS: usize = 12;

/// xorshift64*: enough to spread faults, and the same again from the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound
    }
}

fn seed() -> u64 {
    let given = std::env::var("DAYFLY_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| u64::from(std::process::id()) + 1)
}

/// Submits under a key until it is answered; a job counts as acknowledged only then.
async fn submit(rig: &Installation, number: usize) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let request = rig.request("POST", "/v1/tasks/work").header("idempotency-key", format!("job-{number}"));
        if let Ok(answer) = request.json(&json!({ "number": number })).send().await
            && answer.status().is_success()
            && let Ok(body) = answer.json::<Value>().await
        {
            return body["id"].as_str().expect("an id").to_owned();
        }
        assert!(Instant::now() < deadline, "job {number} was not accepted within 60 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_ends_twice() {
    let seed = seed();
    println!("DAYFLY_SEED={seed}");
    let runs = tempfile::tempdir().expect("a folder");
    // The program itself bears witness: one file per finished run.
    let tasks = format!(
        "[tasks.work]\ncommand = [\"sh\", \"-c\", \"sleep 0.0$(($$ % 10)); cat; echo > {}/$DAYFLY_JOB_ID.$DAYFLY_FENCE\"]\nlost_retries = 20\n",
        runs.path().display()
    );
    let mut rig = Installation::start(&tasks).await;
    rig.add_worker(2).await;
    rig.add_worker(2).await;
    let mut dice = Dice(seed);
    let mut acknowledged: BTreeMap<String, usize> = BTreeMap::new();
    let every = JOBS / FAULTS;
    for number in 0..JOBS {
        if number % every == every / 2 {
            match dice.below(4) {
                0 => rig.restart_api_later(),
                1 => rig.restart_worker(0, 2),
                2 => rig.restart_worker(1, 2),
                _ => rig.server.restart(),
            }
        }
        let id = submit(&rig, number).await;
        assert_eq!(acknowledged.insert(id, number), None, "two keys, two jobs");
    }
    for (id, number) in &acknowledged {
        let job = rig.job_until(id, Duration::from_secs(90), "has ended", |job| !job["finished_at"].is_null()).await;
        assert_eq!((&job["state"], &job["result"]["number"]), (&json!("succeeded"), &json!(number)), "{job}");
    }
    let files: Vec<String> = std::fs::read_dir(runs.path())
        .expect("a folder")
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    for id in acknowledged.keys() {
        assert!(files.iter().any(|file| file.starts_with(id.as_str())), "{id} is said to have succeeded but never ran");
    }
    // Terminal states do not change, and each is counted once.
    let mut listed = BTreeMap::new();
    let mut next = Some("/v1/jobs?state=succeeded&limit=100".to_owned());
    while let Some(path) = next {
        let page = rig.get(&path).await;
        for job in page["items"].as_array().expect("a list") {
            *listed.entry(job["id"].as_str().expect("an id").to_owned()).or_insert(0) += 1;
        }
        next = page["next"].as_str().map(|cursor| format!("/v1/jobs?state=succeeded&limit=100&cursor={cursor}"));
    }
    assert_eq!(listed.len(), JOBS);
    assert!(listed.values().all(|&times| times == 1), "a job is listed twice");
    let counts: u64 = redis::cmd("HGET")
        .arg("dayfly:{0}:counts")
        .arg("work:succeeded")
        .query_async(&mut rig.redis().await)
        .await
        .expect("HGET");
    assert_eq!(counts, JOBS as u64, "each success is counted once");
    for daemon in &mut rig.workers {
        daemon.kill();
    }
    for id in acknowledged.keys() {
        eventually("no process of an ended job is left", Duration::from_secs(2), || {
            processes_with(id).is_empty().then_some(())
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_survives_the_restart_of_every_part() {
    let mut rig = Installation::start("[tasks.echo]\ncommand = [\"cat\"]\n").await;
    rig.add_worker(1).await;
    let done = rig.submit("echo", &json!({"kept": true})).await;
    let before = rig.ended(&done).await;
    let waiting = rig.submit("echo?delay=1h", &json!({})).await;
    rig.workers[0].kill();
    rig.api.kill();
    rig.server.restart();
    rig.restart_api().await;
    assert_eq!(rig.job(&done).await["result"], before["result"]);
    assert_eq!(rig.job(&done).await["finished_at"], before["finished_at"]);
    assert_eq!(rig.job(&waiting).await["state"], "scheduled");
    rig.restart_worker(0, 1);
    let later = rig.submit("echo", &json!({"after": "the restart"})).await;
    assert_eq!(rig.ended(&later).await["result"], json!({"after": "the restart"}));
}
