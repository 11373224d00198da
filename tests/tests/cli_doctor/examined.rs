//! A run of the doctor, and what it found.

use dayfly_tests::dayfly_binary;
use serde_json::Value;
use std::{fs, process::Command};

/// Good for everything but what a test breaks.
pub(crate) const TASK: &str = "[tasks.fine]\ncommand = [\"true\"]\n";

/// What a run told.
#[derive(Debug)]
pub(crate) struct Examined {
    pub(crate) code: Option<i32>,
    pub(crate) findings: Vec<Value>,
    text: String,
}

impl Examined {
    /// All findings of a check.
    pub(crate) fn of(&self, check: &str) -> Vec<&Value> {
        self.findings.iter().filter(|finding| finding["check"] == check).collect()
    }

    /// That a finding of this check is at this level and contains these words in what was found, what it means or the fix.
    pub(crate) fn must_have(&self, check: &str, level: &str, words: &[&str]) {
        let right = |finding: &&Value| {
            let text = format!("{} {} {}", finding["found"], finding["means"], finding["fix"]);
            let explained = level == "ok" || finding["means"] != "" && finding["fix"] != "";
            finding["level"] == level && explained && words.iter().all(|word| text.contains(word))
        };
        assert!(self.of(check).iter().any(right), "no {level} {check} with {words:?} in {}", self.text);
        assert_eq!(self.code, Some(i32::from(self.findings.iter().any(|finding| finding["level"] == "fail"))));
    }
}

/// The command, with a file of this text against the server at `url`.
pub(crate) fn command(url: &str, dir: &std::path::Path, config: &str, args: &[&str]) -> Command {
    let file = dir.join("dayfly.toml");
    let state = dir.join("state");
    let worker = if config.contains("[worker]") { config.to_owned() } else { format!("[worker]\n{config}") };
    let worker = if config.contains("state_dir") {
        worker
    } else {
        worker.replacen("[worker]\n", &format!("[worker]\nstate_dir = \"{}\"\n", state.display()), 1)
    };
    fs::write(&file, worker).expect("a file");
    let mut command = Command::new(dayfly_binary());
    command.arg("doctor").args(args).args(["--redis-url", url]).current_dir(dir).env_remove("DAYFLY_LOG");
    command
}

/// A run to its end.
pub(crate) fn examine(url: &str, config: &str, args: &[&str]) -> Examined {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = command(url, dir.path(), config, args);
    told(command.arg("--json"))
}

/// What a run tells as JSON.
pub(crate) fn told(command: &mut Command) -> Examined {
    let out = command.output().expect("dayfly runs");
    let text = String::from_utf8(out.stdout).expect("UTF-8");
    let error = String::from_utf8_lossy(&out.stderr).into_owned();
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}{error}"));
    let findings = json["findings"].as_array().expect("findings").clone();
    Examined { code: out.status.code(), findings, text: format!("{text}{error}") }
}

/// Only looks.
pub(crate) fn look(url: &str, config: &str) -> Examined {
    examine(url, config, &["--no-trial"])
}
