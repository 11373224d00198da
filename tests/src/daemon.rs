//! A `dayfly` process of a test's own, its output kept for the report of a failed test.

use crate::eventually;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

/// What every daemon of a test has in its own environment as `PASSED_SECRET`, and no job unless its task says so.
pub const PASSED_SECRET: &str = "a-word-that-no-one-may-read";

/// The `dayfly` program, beside the folder of the test programs.
///
/// # Panics
/// When it has not been built: `./deploy/test` builds it first.
#[must_use]
pub fn dayfly_binary() -> PathBuf {
    let own = std::env::current_exe().expect("this program's path");
    let found = own.ancestors().skip(1).take(3).map(|folder| folder.join("dayfly")).find(|file| file.is_file());
    found.expect(
        "the dayfly program: run the tests by ./deploy/test, or `cargo build -p dayfly` in the same profile first",
    )
}

/// A running daemon; killed with the value.
#[derive(Debug)]
pub struct Daemon {
    child: Option<Child>,
    log: PathBuf,
}

impl Daemon {
    /// Starts `dayfly <args>`, its output in `<dir>/<name>.log`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start<I, S>(name: &str, dir: &Path, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let words = std::env::var("DAYFLY_LOG");
        Self::start_program(&dayfly_binary(), name, dir, args, words.as_deref().unwrap_or("debug,hyper=info"))
    }

    /// As [`Daemon::start`], another program that logs by `words` (`DAYFLY_LOG`).
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_program<I, S>(program: &Path, name: &str, dir: &Path, args: I, words: &str) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let log = dir.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log).expect("a log file");
        let child = Command::new(program)
            .args(args)
            .current_dir(dir)
            .env("DAYFLY_LOG", words)
            .env("PASSED_SECRET", PASSED_SECRET)
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a second handle"))
            .stderr(out)
            .spawn()
            .expect("dayfly starts");
        Self { child: Some(child), log }
    }

    /// Its pid.
    ///
    /// # Panics
    /// When it has been waited for.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.as_ref().expect("a running daemon").id().cast_signed()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it has been waited for.
    pub fn signal(&self, signal: Signal) {
        let _gone = kill(Pid::from_raw(self.pid()), signal);
    }

    /// Kills it with SIGKILL and waits for it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Whether it still runs.
    pub fn running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within `bound`.
    pub fn wait(&mut self, bound: Duration) -> ExitStatus {
        let what = format!("the daemon ends; its log: {}", self.log.display());
        // It stays ours until it has ended: a test that fails here must not leave it behind.
        let child = self.child.as_mut().expect("a running daemon");
        let status = eventually(&what, bound, || child.try_wait().expect("wait"));
        self.child = None;
        status
    }

    /// What it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let output = self.output();
            let tail: Vec<&str> = output.lines().rev().take(40).collect();
            let shown: Vec<&str> = tail.into_iter().rev().collect();
            eprintln!("--- {} ---\n{}", self.log.display(), shown.join("\n"));
        }
    }
}
