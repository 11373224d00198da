//! A `dayfly dev` of a test's own.

use crate::{Daemon, eventually, free_port, server_binary};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running one, and the folder it keeps its data in.
#[derive(Debug)]
pub struct Dev {
    /// The process.
    pub daemon: Daemon,
    /// `127.0.0.1:<port>`
    pub address: String,
    starts: usize,
    dir: TempDir,
}

impl Dev {
    /// Starts it with the examples, in an empty folder, and waits until it says that it is ready.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// As [`Dev::start`], with these flags, in a folder that holds these files.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn start_with(files: &[(&str, &str)], flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).expect("written");
        }
        let address = format!("127.0.0.1:{}", free_port());
        let daemon = launch(dir.path(), 1, &address, flags);
        let dev = Self { daemon, address, starts: 1, dir };
        dev.ready();
        dev
    }

    /// Starts it again on the same data, once the one before has ended.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn restart(&mut self) {
        self.starts += 1;
        self.daemon = launch(self.dir.path(), self.starts, &self.address, &[]);
        self.ready();
    }

    /// The folder it was started in.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn ready(&self) {
        eventually("dayfly dev is ready", PATIENCE, || {
            self.daemon.output().contains("Three commands to try").then_some(())
        });
    }

    /// Runs a line of shell as a person would paste it; gives what it printed.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn shell(&self, line: &str) -> String {
        let out = Command::new("sh").args(["-euc", line]).current_dir(self.dir()).output().expect("sh");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(out.status.success(), "{line}\n{text}{}", String::from_utf8_lossy(&out.stderr));
        text
    }

    /// `curl` to a path of the API, with further arguments.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn curl(&self, path: &str, more: &str) -> String {
        self.shell(&format!("curl -sS {more} 'http://{}{path}'", self.address))
    }
}

fn launch(dir: &Path, number: usize, address: &str, flags: &[&str]) -> Daemon {
    let server = server_binary();
    let args = ["dev", "--listen", address, "--data", "data", "--slots", "2", "--redis-bin"];
    let args = args.iter().map(|word| (*word).to_owned()).chain([server.display().to_string()]);
    let args = args.chain(flags.iter().map(|flag| (*flag).to_owned()));
    Daemon::start(&format!("dev{number}"), dir, args)
}
