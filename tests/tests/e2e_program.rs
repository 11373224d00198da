//! What a job's program sees, and what becomes of how it ends.

use dayfly_tests::Installation;
use serde_json::{Value, json};
use std::time::Duration;

const TASKS: &str = r#"
[tasks.env]
command = ["env"]
env = { GREETING = "hello" }
[tasks.echo]
command = ["cat"]
[tasks.shell]
command = ["sh", "-c", "read -r line; eval \"eval $line\""]
output = "text"
input_schema = { type = "string" }
[tasks.flaky]
command = ["sh", "-c", "echo attempt $DAYFLY_ATTEMPT >&2; [ $DAYFLY_ATTEMPT = 3 ] || exit 75; echo done"]
retries = 3
backoff = "10ms"
[tasks.choosy]
command = ["sh", "-c", "read -r code; exit $code"]
retries = 2
retry_on = ["exit_code:3", "timeout"]
backoff = "10ms"
[tasks.missing]
command = ["no-such-program-anywhere"]
retries = 5
backoff = "10ms"
[tasks.limited]
command = ["sh", "-c", "head -c 3000 /dev/zero | tr '\\\\0' x"]
max_result = "1KiB"
"#;

async fn rig() -> Installation {
    let mut rig = Installation::start(TASKS).await;
    rig.add_worker(2).await;
    rig
}

async fn run(rig: &Installation, task: &str, input: &Value) -> Value {
    let id = rig.submit(task, input).await;
    rig.ended(&id).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_is_built_from_nothing() {
    let rig = rig().await;
    let job = run(&rig, "env", &json!({})).await;
    let text = job["result"].as_str().expect("text");
    let names: Vec<&str> = text.lines().filter_map(|line| line.split('=').next()).collect();
    for name in ["DAYFLY_JOB_ID", "DAYFLY_TASK", "DAYFLY_ATTEMPT", "DAYFLY_FENCE", "DAYFLY_DEADLINE", "DAYFLY_DIR"] {
        assert!(names.contains(&name), "{name} is missing: {names:?}");
    }
    assert!(text.contains("GREETING=hello\n") && text.contains("DAYFLY_TASK=env\n"), "{text}");
    let known = ["PATH", "HOME", "LANG", "TZ", "GREETING", "PWD", "SHLVL", "_"];
    let strange: Vec<&&str> =
        names.iter().filter(|name| !name.starts_with("DAYFLY_") && !known.contains(*name)).collect();
    assert!(strange.is_empty() && !names.contains(&"DAYFLY_LOG"), "from the worker's own environment: {names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn input_and_result_keep_their_digits() {
    let rig = rig().await;
    let body = r#"{"big": 123456789012345678901234567890, "small": 0.10000000000000000001}"#;
    let answer =
        rig.request("POST", "/v1/tasks/echo").header("content-type", "application/json").header("prefer", "wait=20");
    let text = answer.body(body).send().await.expect("an answer").text().await.expect("a body");
    assert!(text.contains("\"state\":\"succeeded\""), "{text}");
    assert_eq!(text.matches("123456789012345678901234567890").count(), 2, "{text}");
    assert_eq!(text.matches("0.10000000000000000001").count(), 2, "{text}");
}

/// As large as the usual bounds allow, in scripts beyond ASCII, from the request to the result, byte by byte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mebibyte_of_any_script_comes_back_as_it_went() {
    let rig = rig().await;
    let mut body = r#"{"\u7bad": ""#.to_owned();
    while body.len() < (1 << 20) - 16 {
        body.push_str("\u{7bad}\u{1f980} \u{e4}");
    }
    body.push_str("\"}");
    assert!(body.len() <= 1 << 20);
    let path = "/v1/tasks/echo?label=\u{5ba2}\u{6237}:\u{1f980}";
    let request = rig.request("POST", path).header("content-type", "application/json").header("prefer", "wait=20");
    let job: Value = request.body(body.clone()).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!((&job["state"], &job["labels"]), (&json!("succeeded"), &json!({"\u{5ba2}\u{6237}": "\u{1f980}"})));
    let path = format!("/v1/jobs/{}/result", job["id"].as_str().expect("an id"));
    let result = rig.request("GET", &path).send().await.expect("an answer").bytes().await.expect("a body");
    assert!(result == body.as_bytes(), "{} bytes came back of {}", result.len(), body.len());
    let form = rig.request("POST", "/v1/tasks/echo").header("content-type", "application/x-www-form-urlencoded");
    let refused = form.body("name=%E4%F6").send().await.expect("an answer");
    assert_eq!(refused.status(), 400);
    let problem: Value = refused.json().await.expect("JSON");
    assert_eq!(problem["code"], "malformed_form", "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("UTF-8")), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_has_its_kind() {
    let rig = rig().await;
    let job = run(&rig, "limited", &json!({})).await;
    assert_eq!(job["result"].as_str().map(str::len), Some(1024), "{job}");
    assert!(job["warnings"].to_string().contains("cut"), "{job}");
    let job = run(&rig, "missing", &json!({})).await;
    assert_eq!((&job["state"], &job["error"]["kind"]), (&json!("failed"), &json!("spawn_failed")), "{job}");
    assert!(job["error"]["message"].as_str().expect("text").contains("no-such-program-anywhere"), "{job}");
    assert_eq!((&job["attempt"], &job["max_attempts"]), (&json!(1), &json!(6)), "trying again would not help: {job}");
    let shell = |line: &str| json!(line);
    for (line, kind, field, value) in
        [("exit 3", "exit_code", "exit_code", json!(3)), ("kill -SEGV $$", "signal", "signal", json!("SIGSEGV"))]
    {
        let job = run(&rig, "shell", &shell(line)).await;
        assert_eq!((&job["error"]["kind"], &job["error"][field]), (&json!(kind), &value), "{job}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_75_asks_for_another_attempt_within_the_retries() {
    let rig = rig().await;
    let job = run(&rig, "flaky", &json!({})).await;
    assert_eq!(
        (&job["state"], &job["attempt"], &job["max_attempts"]),
        (&json!("succeeded"), &json!(3), &json!(4)),
        "{job}"
    );
    let attempts = job["attempts"].as_array().expect("a list");
    assert_eq!(attempts.len(), 3, "{job}");
    assert!(attempts.iter().zip(1..).all(|(one, number)| one["attempt"] == number), "{job}");
    assert_eq!(attempts[0]["error"]["exit_code"], 75, "{job}");
    assert!(attempts[1]["usage"]["voluntary_switches"].is_u64(), "{job}");
    let logs = rig.request("GET", &format!("/v1/jobs/{}/logs", job["id"].as_str().expect("an id"))).send().await;
    let logs = logs.expect("an answer").text().await.expect("text");
    assert_eq!(logs.matches("attempt ").count(), 3, "{logs}");
    let job = run(&rig, "flaky?retries=1", &json!({})).await;
    assert_eq!(
        (&job["state"], &job["attempt"], &job["error"]["exit_code"]),
        (&json!("failed"), &json!(2), &json!(75)),
        "{job}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_failures_that_a_task_names_are_retried() {
    let rig = rig().await;
    for (code, attempts, retryable) in [(3, 3, true), (4, 1, false), (75, 3, true)] {
        let job = run(&rig, "choosy", &json!(code)).await;
        assert_eq!(
            (&job["state"], &job["attempt"], &job["error"]["retryable"]),
            (&json!("failed"), &json!(attempts), &json!(retryable)),
            "{job}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_and_log_show_while_it_runs() {
    let rig = rig().await;
    let line =
        "echo working >&2; echo '{\"progress\":0.25,\"message\":\"a quarter\"}' >&3; echo nonsense >&3; sleep 600";
    // The task unquotes the JSON string as a shell does.
    let id = rig.submit("shell", &json!(line)).await;
    let job =
        rig.job_until(&id, Duration::from_secs(10), "shows progress", |job| job["progress"]["fraction"] == 0.25).await;
    assert_eq!((&job["state"], &job["progress"]["message"]), (&json!("running"), &json!("a quarter")), "{job}");
    assert!(dayfly_tests::alive(i32::try_from(job["worker"]["pid"].as_i64().expect("a pid")).expect("a pid")), "{job}");
    let logs = rig.request("GET", &format!("/v1/jobs/{id}/logs")).send().await.expect("an answer");
    let logs = logs.text().await.expect("text");
    assert!(logs.contains("working") && logs.contains("nonsense"), "{logs}");
}
