//! An example's program run directly, without Dayfly around it.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

/// What it did.
#[derive(Debug)]
pub struct Ran {
    /// Exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// What it said on its event descriptor.
    pub events: String,
}

/// Runs `<interpreter> deploy/examples/<file>` with `input` on stdin and a file as descriptor 3, which a shell opens.
///
/// # Panics
/// When it cannot be run.
#[must_use]
pub fn run_example(interpreter: &str, file: &str, input: &str) -> Ran {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples").join(file);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let events = dir.path().join("events");
    let mut child = Command::new("sh")
        .args(["-c", "exec \"$0\" \"$1\" 3>\"$EVENTS\"", interpreter])
        .arg(program)
        .env("EVENTS", &events)
        .env("DAYFLY_EVENTS_FD", "3")
        .env("DAYFLY_DIR", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sh starts");
    // A program that refuses its input early may close it before all is written.
    drop(child.stdin.take().expect("a pipe").write_all(input.as_bytes()));
    let out = child.wait_with_output().expect("it ends");
    Ran {
        code: out.status.code(),
        stdout: String::from_utf8(out.stdout).expect("UTF-8"),
        stderr: String::from_utf8(out.stderr).expect("UTF-8"),
        events: fs::read_to_string(&events).expect("the events"),
    }
}
