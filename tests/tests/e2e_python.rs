//! Python functions as tasks, from the file to the answer.

use dayfly_tests::{Installation, Sse};
use serde_json::{Value, json};
use std::fs;

const TASKS: &str = r#"
[tasks.square]
python = "algo:square"
[tasks.fails]
python = "algo:fails"
[tasks.again]
python = "algo:again"
retries = 1
backoff = "10ms"
[tasks.hopeless]
python = "algo:hopeless"
retries = 2
[tasks.caged]
python = "algo:caged"
sandbox = "workdir"
[tasks.steps]
python = "algo:steps"
[tasks.watched]
python = "algo:watched"
[tasks.watched_cold]
command = ["python3", "-m", "dayfly", "run", "algo:watched"]
env = { PYTHONPATH = "PACKAGE:." }
workdir = "."
[tasks.slow]
python = "algo:slow"
timeout = "3s"
kill_grace = "100ms"
"#;

const CODE: &str = r#"
import os, time
from dataclasses import dataclass
import dayfly

@dataclass
class Square:
    n: int
    host: int

def square(n: int) -> Square:
    print("squaring", n)
    dayfly.progress(0.5, "half")
    return Square(n * n, os.getppid())

def fails():
    raise LookupError("nothing here")

def again():
    if dayfly.job().attempt == 1:
        raise dayfly.Retry("not yet")
    return dayfly.job().task

def hopeless():
    raise dayfly.Fail("not a PDF")

def caged(elsewhere: str):
    open("here", "w").write("x")
    try:
        open(elsewhere, "w")
        return "wrote"
    except PermissionError:
        return "refused"

async def steps():
    for one in range(3):
        yield one

def watched(file: str):
    yield {"first": 1}
    while not os.path.exists(file):
        time.sleep(0.01)
    yield "é"

def slow():
    time.sleep(600)
"#;

async fn started() -> Installation {
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../python/src");
    let mut rig = Installation::start(&TASKS.replace("PACKAGE", package)).await;
    fs::write(rig.dir().join("algo.py"), CODE).expect("the code");
    rig.add_worker(1).await;
    rig
}

async fn run(rig: &Installation, task: &str, input: &Value) -> Value {
    let id = rig.submit(task, input).await;
    rig.ended(&id).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_of_a_module_are_tasks() {
    let rig = started().await;

    let one = run(&rig, "square", &json!({"n": 12})).await;
    assert_eq!((&one["state"], &one["result"]["n"]), (&json!("succeeded"), &json!(144)), "{one}");
    assert_eq!(one["progress"], json!({"fraction": 0.5, "message": "half"}));
    let log = rig.request("GET", &format!("/v1/jobs/{}/logs", one["id"].as_str().expect("an id")));
    assert!(log.send().await.expect("an answer").text().await.expect("text").contains("squaring 12"));
    let two = run(&rig, "square", &json!({"n": 3})).await;
    assert_eq!(two["result"]["n"], 9);
    assert_eq!(one["result"]["host"], two["result"]["host"], "loaded once");

    // Digits beyond any float are kept.
    let request = rig.request("POST", "/v1/tasks/square").header("prefer", "wait=20");
    let request = request.header("content-type", "application/json").body(r#"{"n": 123456789012345678901234567890}"#);
    let text = request.send().await.expect("an answer").text().await.expect("text");
    assert!(text.contains(r#""n":15241578753238836750495351562536198787501905199875019052100,"#), "{text}");

    let failed = run(&rig, "fails", &json!({})).await;
    let error = &failed["error"];
    assert_eq!(
        (&error["kind"], &error["message"]),
        (&json!("exception"), &json!("LookupError: nothing here")),
        "{failed}"
    );
    assert!(error["stderr_tail"].as_str().is_some_and(|tail| tail.contains("in fails")), "{failed}");
    let wrong = run(&rig, "square", &json!({"n": "three"})).await;
    assert!(wrong["error"]["stderr_tail"].as_str().is_some_and(|tail| tail.contains("/n")), "{wrong}");

    let again = run(&rig, "again", &json!({})).await;
    assert_eq!((&again["result"], &again["attempt"]), (&json!("again"), &json!(2)), "{again}");
    let hopeless = run(&rig, "hopeless", &json!({})).await;
    let error = &hopeless["error"];
    assert_eq!((&hopeless["attempt"], &error["retryable"]), (&json!(1), &json!(false)), "{hopeless}");
    assert_eq!((&error["kind"], &error["message"]), (&json!("exception"), &json!("Fail: not a PDF")), "{hopeless}");
    let caged = run(&rig, "caged", &json!({"elsewhere": rig.dir().join("out")})).await;
    assert_eq!(caged["result"], "refused", "{caged}");
    assert_eq!(run(&rig, "steps", &json!({})).await["result"], json!([0, 1, 2]));
    let slow = run(&rig, "slow", &json!({})).await;
    assert_eq!((&slow["state"], &slow["error"]["kind"]), (&json!("failed"), &json!("timeout")), "{slow}");
    assert_eq!(run(&rig, "square", &json!({"n": 4})).await["result"]["n"], 16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_generator_yields_is_seen_while_it_runs() {
    let rig = started().await;
    for task in ["watched", "watched_cold"] {
        let file = rig.dir().join(task);
        let id = rig.submit(task, &json!({ "file": file })).await;
        let mut events = Sse::open(rig.request("GET", &format!("/v1/jobs/{id}/events"))).await;
        let first = events.until("log").await.pop().expect("a line");
        assert_eq!(first.data["stream"], "event", "{first:?}");
        assert_eq!(first.data["line"], r#"{"partial":{"first":1},"index":0}"#);
        fs::write(&file, "").expect("written");
        let second = events.until("log").await.pop().expect("a line");
        assert_eq!(second.data["line"], "{\"partial\":\"é\",\"index\":1}");
        assert_eq!(rig.ended(&id).await["result"], json!([{"first": 1}, "é"]));
    }
}
