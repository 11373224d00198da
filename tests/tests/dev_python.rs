//! `--python MODULE`: functions are tasks without any file.

use dayfly_tests::{Dev, dayfly_binary};
use serde_json::{Value, json};
use std::{fs, process::Command};

const CODE: &str = r#"
import dayfly

@dayfly.task(timeout="5s", retries=1)
def double(n: int, note: str = "") -> int:
    "Doubles."
    return 2 * n

@dayfly.task(name="other")
def another() -> None:
    pass

def no_task():
    pass
"#;

#[test]
fn the_tasks_of_a_module_are_there_with_what_its_decorators_say() {
    let dev = Dev::start_with(&[("algo.py", CODE)], &["--python", "algo"]);
    let json = |text: String| serde_json::from_str::<Value>(&text).unwrap_or_else(|_| panic!("not JSON: {text}"));
    let tasks = json(dev.curl("/v1/tasks", ""));
    let names: Vec<&Value> = tasks["items"].as_array().expect("a list").iter().map(|task| &task["name"]).collect();
    assert_eq!(names, ["double", "other"]);
    let double = json(dev.curl("/v1/tasks/double", ""));
    assert_eq!((&double["timeout_ms"], &double["retries"]), (&json!(5_000), &json!(1)));
    assert_eq!(double["description"], "Doubles.");
    assert_eq!(double["input_schema"]["required"], json!(["n"]));
    // The schema makes a number of the form's text.
    let job = json(dev.curl("/v1/tasks/double", "-H 'Prefer: wait=30' -d n=21"));
    assert_eq!((&job["state"], &job["result"]), (&json!("succeeded"), &json!(42)), "{job}");
}

#[test]
fn a_section_of_a_file_stands_for_all_tasks_of_a_module_and_its_keys_for_each() {
    let file = r#"
[tasks.all]
python_module = "algo"
timeout = "7s"
env = { "WORD" = "a \"b\"" }
[tasks.other]
command = ["true"]
"#;
    let code = CODE.replace("return 2 * n", "import os; return [2 * n, os.environ['WORD']]").replace("-> int", "");
    let dev = Dev::start_with(&[("algo.py", &code), ("dayfly.toml", file)], &[]);
    let json = |text: String| serde_json::from_str::<Value>(&text).unwrap_or_else(|_| panic!("not JSON: {text}"));
    let tasks = json(dev.curl("/v1/tasks", ""));
    let names: Vec<&Value> = tasks["items"].as_array().expect("a list").iter().map(|task| &task["name"]).collect();
    assert_eq!(names, ["double", "other"], "the section's own name is none of a task");
    let double = json(dev.curl("/v1/tasks/double", ""));
    assert_eq!((&double["timeout_ms"], &double["retries"]), (&json!(7_000), &json!(1)), "the file's, the decorator's");
    let other = json(dev.curl("/v1/tasks/other", "-H 'Prefer: wait=30' -d '{}' -H 'content-type: application/json'"));
    assert_eq!((&other["state"], &other["result"]), (&json!("succeeded"), &json!("")), "the section of its own wins");
    let job = json(dev.curl("/v1/tasks/double", "-H 'Prefer: wait=30' -d n=21"));
    assert_eq!(job["result"], json!([42, "a \"b\""]), "{job}");
}

#[test]
fn a_module_that_cannot_be_a_catalogue_is_told_with_the_reason() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("none.py"), "x = 1\n").expect("written");
    fs::write(dir.path().join("broken.py"), "import of_nothing\n").expect("written");
    fs::write(dir.path().join("loud.py"), "print('hello')\n").expect("written");
    for (module, says) in [
        ("none", "no function there is a task: put @dayfly.task before it"),
        ("broken", "No module named 'of_nothing'"),
        ("absent", "No module named 'absent'"),
        ("loud", "prints while it is loaded"),
    ] {
        for command in ["worker", "dev"] {
            let words = [command, "--python", module];
            let out = Command::new(dayfly_binary()).args(words).current_dir(dir.path()).output().expect("dayfly runs");
            let said = String::from_utf8_lossy(&out.stderr);
            assert_eq!(out.status.code(), Some(2), "{command} {module}: {said}");
            assert!(said.contains(says) && said.contains(&format!("--python {module}")), "{command} {module}: {said}");
            let file = format!("[tasks.x]\npython_module = \"{module}\"\n");
            fs::write(dir.path().join("dayfly.toml"), file).expect("written");
            let out = Command::new(dayfly_binary()).arg(command).current_dir(dir.path()).output().expect("dayfly runs");
            fs::remove_file(dir.path().join("dayfly.toml")).expect("removed");
            let said = String::from_utf8_lossy(&out.stderr);
            assert_eq!(out.status.code(), Some(2), "{command} {module}: {said}");
            assert!(said.contains(says) && said.contains("dayfly.toml: [tasks.x]"), "{command} {module}: {said}");
        }
    }
}
