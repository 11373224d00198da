//! A script of the bench that does what it is told: a line of JSON in, `[verb, arguments]`, and a line of JSON out (`peers/client.py`).

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The running script; killed with the value.
pub(crate) struct Script {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Script {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let ask = child.stdin.take().context("the script's input")?;
        let answers = BufReader::new(child.stdout.take().context("the script's output")?);
        Ok(Self { child, ask, answers })
    }

    pub(crate) fn ask(&mut self, verb: &str, arguments: &Value) -> Result<Value> {
        writeln!(self.ask, "{}", json!([verb, arguments]))?;
        let mut answer = String::new();
        let length = self.answers.read_line(&mut answer)?;
        ensure!(length > 0, "the script has ended over {verb}");
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
