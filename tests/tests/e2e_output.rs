//! What a running job says reaches its readers soon, and costs Redis little however much it is.

use dayfly_tests::{Installation, eventually_async};
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const TASKS: &str = r#"
[tasks.clock]
command = ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.3; date +%s%3N >&2; done; sleep 600"]
[tasks.talker]
command = ["sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo '{\"progress\":0.5}' >&3; done; echo '{\"progress\":0.75}' >&3; echo '{\"progress\":' >&3; echo done"]
"#;

const BOUND: Duration = Duration::from_secs(30);

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_can_be_read_within_200_ms() {
    let mut rig = Installation::start(TASKS).await;
    rig.add_worker(1).await;
    let id = rig.submit("clock", &json!({})).await;
    let path = format!("/v1/jobs/{id}/logs");
    let mut delays = Vec::new();
    while delays.len() < 9 {
        let delay = eventually_async("the next line", BOUND, || async {
            let text = rig.request("GET", &path).send().await.ok()?.text().await.ok()?;
            let line = text.lines().nth(delays.len())?;
            Some(now_ms() - line.parse::<u128>().expect("ms"))
        });
        delays.push(delay.await);
    }
    delays.sort_unstable();
    println!("from the line's writing to its reading over HTTP, ms: {delays:?}");
    // Time is the subject; half of them must make it on a machine that has other work to do.
    assert!(delays[delays.len() / 2] <= 200, "{delays:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_talks_without_end_is_throttled_and_its_last_word_stays() {
    let mut rig = Installation::start(TASKS).await;
    rig.add_worker(1).await;
    let before = function_calls(&rig).await;
    let id = rig.submit("talker", &json!({})).await;
    let job = rig.ended(&id).await;
    let calls = function_calls(&rig).await - before;
    let seconds = job["usage"]["wall_ms"].as_u64().expect("ms") / 1000 + 1;
    assert_eq!((&job["state"], &job["progress"]["fraction"]), (&json!("succeeded"), &json!(0.75)), "{job}");
    // Ten reports, a heartbeat and a look at the queue a second, and what the client here asks for while it waits.
    println!("20001 lines of progress in at most {seconds} s: {calls} calls");
    let polls = 120 * seconds;
    assert!(calls < 100 + 20 * seconds + polls, "{calls} calls in {seconds} s");
    let log = rig.request("GET", &format!("/v1/jobs/{id}/logs")).send().await.expect("an answer");
    let log = log.text().await.expect("text");
    assert_eq!(log.matches("{\"progress\":").count(), 1, "what is no event is a line of the log: {log}");
}

async fn function_calls(rig: &Installation) -> u64 {
    let mut redis = rig.redis().await;
    let text: String = redis::cmd("INFO").arg("commandstats").query_async(&mut redis).await.expect("statistics");
    let line = text.lines().find_map(|line| line.strip_prefix("cmdstat_fcall:calls=")).unwrap_or("0,");
    line.split(',').next().and_then(|number| number.parse().ok()).expect("a number")
}
