//! The client commands against an API and a worker: what they print, and every exit code.

use dayfly_tests::{Installation, dayfly_binary};
use serde_json::{Value, json};
use std::process::{Command, Output, Stdio};

const TASKS: &str = r#"
[tasks.echo]
command = ["sh", "-c", "echo one >&2; echo two >&2; cat"]
[tasks.bad]
command = ["sh", "-c", "echo the reason >&2; exit 9"]
[tasks.long]
command = ["sleep", "600"]
kill_grace = "1s"
"#;

async fn rig() -> Installation {
    let mut rig = Installation::start(TASKS).await;
    rig.add_worker(4).await;
    rig
}

fn command(url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(dayfly_binary());
    command.args(args).env("DAYFLY_URL", url).stdin(Stdio::null());
    for name in ["DAYFLY_TOKEN", "DAYFLY_PROFILE", "DAYFLY_LOG"] {
        command.env_remove(name);
    }
    command
}

fn dayfly(url: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command(url, args).output().expect("dayfly runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// What it prints when all is well.
fn fine(url: &str, args: &[&str]) -> String {
    let (code, out, err) = dayfly(url, args);
    assert_eq!(code, Some(0), "{args:?}: {out}{err}");
    out
}

fn fails(url: &str, args: &[&str], code: i32, says: &str) {
    let (found, out, err) = dayfly(url, args);
    assert_eq!(found, Some(code), "{args:?}: {out}{err}");
    assert!(err.contains(says), "{args:?}: {err}");
}

fn json_of(url: &str, args: &[&str]) -> Value {
    let out = fine(url, args);
    serde_json::from_str(&out).unwrap_or_else(|why| panic!("{args:?}: {why}: {out}"))
}

#[tokio::test]
async fn a_job_is_run_and_looked_at() {
    let rig = rig().await;
    let url = rig.url.as_str();
    std::fs::write(rig.path("text"), "a & b\n").expect("written");
    let file = format!("f=@{}", rig.path("text").display());
    let result: Value = serde_json::from_str(&fine(url, &["run", "echo", "-i", "n=51", "-i", &file])).expect("JSON");
    assert_eq!(result, json!({ "n": "51", "f": "a & b\n" }), "the input, and nothing else on standard output");
    let digits = "123456789012345678901234567890.5";
    assert_eq!(fine(url, &["run", "echo", "--data", digits]), digits, "digits stay");

    let id = fine(url, &["submit", "echo", "-i", "n=1", "--label", "a:b", "--priority", "2"]);
    let id = id.trim_end();
    assert_eq!(fine(url, &["wait", id]), format!("{id} succeeded\n"));
    let job = json_of(url, &["get", id, "--json"]);
    assert_eq!((&job["labels"], &job["priority"]), (&json!({ "a": "b" }), &json!(2)));
    assert_eq!(json_of(url, &["wait", id, "--json"])["state"], "succeeded");
    assert!(fine(url, &["get", id]).contains("succeeded"));
    assert_eq!(fine(url, &["result", id]), "{\"n\":\"1\"}");
    assert_eq!(fine(url, &["logs", id]), "one\ntwo\n");
    assert_eq!(fine(url, &["logs", "-f", id]), "one\ntwo\n");
    assert_eq!(fine(url, &["logs", id, "--tail", "1"]), "two\n");
    assert_eq!(fine(url, &["logs", "-f", id, "--tail", "1"]), "two\n");
    assert_eq!(fine(url, &["logs", id, "--tail", "1", "--json"]), "{\"line\":\"two\"}\n");
    let keyed = ["submit", "echo", "--idempotency-key", "same"];
    assert_eq!(fine(url, &keyed), fine(url, &keyed), "one key, one job");
}

#[tokio::test]
async fn every_end_has_its_exit_code() {
    let rig = rig().await;
    let url = rig.url.as_str();
    fails("http://127.0.0.1:1", &["ls"], 1, "cannot be reached");
    fails(url, &["run"], 2, "TASK");
    fails(url, &["submit", "echo", "--timeout", "30"], 2, "timeout");
    fails(url, &["--url", "x", "ls"], 2, "--url");
    fails(url, &["ls", "--url", "ftp://x"], 2, "no URL of an API");
    fails(url, &["run", "bad"], 3, "the reason");
    fails(url, &["get", "01980000-0000-7000-8000-000000000000"], 5, "");
    fails(url, &["submit", "ecko"], 5, "echo");
    let id = fine(url, &["submit", "long"]);
    let id = id.trim_end();
    fails(url, &["wait", id, "--wait", "300ms"], 124, id);
    fails(url, &["run", "long", "--wait", "300ms"], 124, "the job goes on");
    fails(url, &["result", id], 1, "has not ended");
    fails(url, &["rm", id], 1, "");
    assert!(fine(url, &["cancel", id, "--now", "--reason", "a mistake"]).starts_with(id));
    fails(url, &["wait", id], 6, "a mistake");
    fails(url, &["result", id], 6, "cancelled");
    assert_eq!(fine(url, &["rm", id]), format!("{id} deleted\n"));
    fails(url, &["get", id], 5, "");

    let made = command(url, &["tokens", "create", "--owner", "ada", "--scopes", "read", "--redis-url"])
        .arg(rig.server.url())
        .output()
        .expect("dayfly runs");
    assert!(made.status.success(), "{made:?}");
    dayfly_tests::eventually("the API asks for a token", std::time::Duration::from_secs(30), || {
        (dayfly(url, &["ls"]).0 == Some(4)).then_some(())
    });
    let token = String::from_utf8(made.stdout).expect("text");
    let mut reads = command(url, &["ls", "--json"]);
    let read = reads.env("DAYFLY_TOKEN", token.trim_end()).output().expect("dayfly runs");
    assert!(read.status.success(), "{read:?}");
    let mut writes = command(url, &["submit", "echo"]);
    let wrote = writes.env("DAYFLY_TOKEN", token.trim_end()).output().expect("dayfly runs");
    assert_eq!(wrote.status.code(), Some(4), "{wrote:?}");
}

#[tokio::test]
async fn the_beginning_of_an_id_will_do_and_two_meanings_are_told() {
    let rig = Installation::start(TASKS).await;
    let url = rig.url.as_str();
    for id in ["abcd1111-0000-4000-8000-000000000001", "abcd2222-0000-4000-8000-000000000002"] {
        let answer = rig.request("PUT", &format!("/v1/jobs/{id}?task=echo")).json(&json!({})).send().await;
        assert!(answer.expect("an answer").status().is_success());
    }
    assert!(fine(url, &["get", "ABCD1"]).contains("abcd1111-0000-4000-8000-000000000001"));
    fails(url, &["cancel", "abcd2", "abcd"], 2, "abcd2222-0000-4000-8000-000000000002 echo queued");
    assert_eq!(json_of(url, &["ls", "--state", "queued", "--json"])["items"].as_array().map(Vec::len), Some(2));
    fails(url, &["get", "abc"], 2, "no id of a job");
    fails(url, &["get", "abcd3"], 5, "no job's id begins with abcd3");
    fine(url, &["cancel", "abcd2"]);
    assert_eq!(fine(url, &["ls", "--state", "cancelled", "-q"]), "abcd2222-0000-4000-8000-000000000002\n");
}

#[tokio::test]
async fn filters_act_on_all_that_match_and_nothing_else() {
    let rig = Installation::start(TASKS).await;
    let url = rig.url.as_str();
    for label in ["team:red", "team:blue", "team:blue"] {
        fine(url, &["submit", "echo", "--label", label]);
    }
    let blue = ["--label", "team:blue", "--since", "1h"];
    let cancel = |more: &[&'static str]| [&["cancel"], &blue[..], more].concat();
    fails(url, &["cancel"], 2, "which jobs?");
    fails(url, &cancel(&[]), 2, "cancel 2 jobs? --yes");
    fails(url, &["cancel", "abcd", "--all"], 2, "either ids or a filter");
    assert_eq!(fine(url, &cancel(&["--dry-run"])), "would cancel 2 jobs\n");
    assert_eq!(fine(url, &["ls", "--state", "cancelled"]), "");
    let done = json_of(url, &cancel(&["--yes", "--json"]));
    assert_eq!((&done["matched"], &done["done"], &done["dry_run"]), (&json!(2), &json!(2), &json!(false)));
    assert_eq!(fine(url, &["ls", "--all", "-q"]).lines().count(), 3);
    assert_eq!(fine(url, &["ls", "-n", "1", "-q"]).lines().count(), 1);
    let retried = json_of(url, &["retry", "--state", "cancelled", "--yes", "--json"]);
    assert_eq!(retried["retries"].as_array().map(Vec::len), Some(2), "{retried}");
    assert_eq!(fine(url, &["rm", "--state", "cancelled", "--yes"]), "delete: 2 jobs done\n");
    assert_eq!(fine(url, &["ls", "--state", "queued", "-q"]).lines().count(), 3);
}

#[tokio::test]
async fn tasks_are_paused_and_workers_drained() {
    let mut rig = rig().await;
    let url = rig.url.clone();
    assert_eq!(fine(&url, &["tasks", "pause", "echo"]), "echo is paused\n");
    fails(&url, &["run", "echo", "--wait", "500ms"], 124, "goes on");
    let tasks = json_of(&url, &["tasks", "--json"]);
    let paused: Vec<&Value> =
        tasks["items"].as_array().expect("a list").iter().filter(|t| t["paused"] == true).collect();
    assert_eq!(paused.len(), 1);
    assert!(fine(&url, &["tasks"]).contains("paused"));
    assert_eq!(json_of(&url, &["tasks", "resume", "echo", "--json"])["paused"], false);
    assert_eq!(fine(&url, &["run", "echo", "--data", "7"]), "7");
    let id = rig.worker_id(0).await;
    assert!(fine(&url, &["workers"]).contains(&id));
    assert_eq!(fine(&url, &["workers", "drain", &id]), format!("{id} is draining\n"));
    rig.workers[0].wait(std::time::Duration::from_secs(30));
    assert_eq!(json_of(&url, &["workers", "--json"])["items"], json!([]));
    fails(&url, &["workers", "drain", "nobody"], 5, "nobody");
    fails(&url, &["tasks", "pause", "ecko"], 5, "");
}

#[test]
fn the_program_tells_of_itself() {
    let dir = tempfile::tempdir().expect("a folder");
    let none = "http://127.0.0.1:1";
    for shell in ["bash", "zsh", "fish"] {
        assert!(fine(none, &["completions", shell]).contains("cancel"), "{shell}");
    }
    assert!(fine(none, &["man"]).contains(".TH"));
    fine(none, &["man", dir.path().join("man").to_str().expect("text")]);
    let page = std::fs::read_to_string(dir.path().join("man/dayfly-tasks-pause.1")).expect("a page of each command");
    assert!(page.contains("dayfly\\-tasks\\-pause") || page.contains("dayfly-tasks-pause"), "{page}");
    let file = dir.path().join("dayfly.toml");
    let path = file.to_str().expect("text");
    std::fs::write(&file, "[tasks.a]\ncommand = [\"true\"]\n").expect("written");
    assert_eq!(fine(none, &["config", "check", "--config", path]), format!("{path}: no fault, 1 task\n"));
    std::fs::write(&file, "[tasks.a]\ncommand = [\"true\"]\ntimeout = 3\n").expect("written");
    fails(none, &["config", "check", "--config", path], 2, "dayfly.toml:3");
}
