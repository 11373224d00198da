//! What README.md and `dayfly dev` tell people to type does what they say.

use dayfly_tests::Dev;
use serde_json::Value;
use std::{fs, path::Path};

/// The lines of the block that holds curl's.
fn lines_of_readme() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let page = fs::read_to_string(page).expect("README.md");
    let block = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let block = block.into_iter().find(|block| block.contains("curl")).expect("a block with curl");
    block.lines().map(str::to_owned).collect()
}

#[test]
fn the_first_screen_submits_watches_and_cancels() {
    let lines = lines_of_readme();
    assert!(lines.len() <= 12, "{} lines", lines.len());
    let dev = Dev::start();
    let script: Vec<String> =
        lines.iter().map(|line| line.replace("127.0.0.1:8080", &dev.address).replace("curl ", "curl -sS ")).collect();
    // An answer ends without a newline: one is printed after each line.
    let output = dev.shell(&script.join("\necho\n"));
    let bodies: Vec<Value> = output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let states: Vec<&str> = bodies.iter().filter_map(|body| body["state"].as_str()).collect();
    assert_eq!(states.len(), 5, "{output}");
    assert!(output.contains("202 Accepted"), "{output}");
    assert_eq!((states[1], states[4]), ("succeeded", "cancelled"), "{output}");
    assert!(output.contains("\"factors\": [1000000007, 1000000009]"), "{output}");
}

#[test]
fn the_three_commands_work_when_pasted() {
    let dev = Dev::start();
    let said = dev.daemon.output();
    let commands: Vec<&str> =
        said.lines().skip_while(|line| !line.starts_with("Three")).skip(2).take(3).map(str::trim).collect();
    assert_eq!(commands.len(), 3, "{said}");
    let answers: Vec<Value> = commands
        .iter()
        .map(|command| serde_json::from_str(&dev.shell(&command.replace("curl ", "curl -sS "))).expect("JSON"))
        .collect();
    assert_eq!(answers[0]["state"], "succeeded", "{}", answers[0]);
    assert_eq!(answers[1]["items"][0]["id"], answers[0]["id"], "{}", answers[1]);
    let cancelled = &answers[2];
    assert!(cancelled["state"] == "cancelled" || cancelled["cancel_requested_at"].is_string(), "{cancelled}");
}

#[test]
fn a_form_client_of_an_older_service_is_served() {
    let dev = Dev::start();
    let answer = dev.curl("/compute_something/async", "-H 'Prefer: wait=30' -d example_parameter=42");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["message"], "job created", "{answer}");
    assert_eq!((&answer["state"], &answer["result"]["example_parameter"]), (&"succeeded".into(), &"42".into()));
}
