//! `compute_something.py`, and the examples' own configuration.

use dayfly_common::config::{Inputs, load};
use dayfly_tests::run_example;
use serde_json::Value;
use std::path::PathBuf;

#[test]
fn a_fingerprint_is_the_same_each_time_and_tells_its_progress() {
    let runs = [(); 2].map(|()| run_example("python3", "compute_something.py", "{\"example_parameter\": \"42\"}"));
    assert_eq!((runs[0].code, &runs[0].stdout), (Some(0), &runs[1].stdout), "{runs:?}");
    let result: Value = serde_json::from_str(&runs[0].stdout).expect("JSON");
    assert_eq!(result["example_parameter"], "42");
    assert_eq!(result["fingerprint"].as_str().map(str::len), Some(64));
    assert_eq!(runs[0].events.lines().last(), Some("{\"progress\": 1.0}"));
}

#[test]
fn wrong_inputs_fail_with_a_reason() {
    for input in ["", "[]", "{}", "{\"example_parameter\": \"\"}", "{\"example_parameter\": 3}"] {
        let ran = run_example("python3", "compute_something.py", input);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{input}: {ran:?}");
        assert!(ran.stderr.contains("must be"), "{input}: {ran:?}");
    }
}

#[test]
fn the_examples_are_a_configuration_without_fault() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples/dayfly.toml");
    let inputs = Inputs { file: Some(file), runs_tasks: true, ..Inputs::default() };
    let config = load(&inputs).unwrap_or_else(|faults| panic!("{faults}"));
    let names: Vec<&str> = config.tasks.keys().map(String::as_str).collect();
    assert_eq!(names, ["compute_something", "factor", "parse_document", "shell_pipeline"]);
    for task in config.tasks.values() {
        assert!(task.input_schema.is_some() && task.description.is_some(), "{task:?}");
    }
    assert_eq!(config.tasks["compute_something"].route.as_deref(), Some("/compute_something/async"));
}
