//! A daemon in a process of its own, with one running job, below an init of its own; to be killed.

use crate::room::{BOUND, hostile, mark, program};
use dayfly_tests::{alive, eventually};
use dayfly_worker::process::Isolation;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    io::{BufRead, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

pub(crate) struct Daemon {
    host: Child,
    pub(crate) daemon: i32,
    lines: Lines<BufReader<ChildStdout>>,
    pub(crate) supervisor: i32,
    pub(crate) slot: i32,
    /// Carried by all of the job's processes in their environment.
    pub(crate) word: String,
}

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victim {
    Daemon,
    Supervisor,
    Slot,
}

/// The one combination that the plain tier leaves to its next start.
pub(crate) const ALL: [Victim; 3] = [Victim::Slot, Victim::Supervisor, Victim::Daemon];

impl Daemon {
    /// With a job of this shape, standing.
    pub(crate) fn start(shape: &str, isolation: Isolation, env: &[(&str, &str)]) -> Self {
        Self::start_in(Path::new("/"), shape, isolation, env)
    }

    /// As [`Daemon::start`], with the job's working folder.
    pub(crate) fn start_in(folder: &Path, shape: &str, isolation: Isolation, env: &[(&str, &str)]) -> Self {
        let mut job = hostile(shape);
        let word = mark(&mut job);
        let mut host = Command::new(program("process-fixture"))
            .arg("host")
            .args(&job.argv)
            .current_dir(folder)
            .env("JOB_MARK", word.trim_start_matches("DAYFLY_MARK="))
            .env("ISOLATION", isolation.to_string())
            // Of the job alone: this daemon is not one of its processes.
            .envs(env.iter().map(|(name, value)| (name.replace("DAYFLY_", "JOB_"), value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the fixture");
        let mut lines = BufReader::new(host.stdout.take().expect("a pipe")).lines();
        let pids = next(&mut lines);
        let pids: Vec<i32> = pids.split(' ').map(|pid| pid.parse().expect("a pid")).collect();
        let [daemon, supervisor, slot, _leader] = pids[..] else { panic!("{pids:?}") };
        assert_eq!(next(&mut lines), "ready", "{shape}");
        Self { host, daemon, lines, supervisor, slot, word }
    }

    /// kill -9 of all as if at once: none of them gets to act on another's death.
    pub(crate) fn kill(&mut self, victims: &[Victim]) {
        self.kill_beside(victims, &[]);
    }

    /// As [`Daemon::kill`], while the job strikes at some of them too: whoever comes first.
    pub(crate) fn kill_beside(&mut self, victims: &[Victim], struck: &[Victim]) {
        let pids: Vec<i32> = victims
            .iter()
            .map(|victim| match victim {
                Victim::Daemon => self.daemon,
                Victim::Supervisor => self.supervisor,
                Victim::Slot => self.slot,
            })
            .collect();
        for what in [Signal::SIGSTOP, Signal::SIGKILL] {
            for pid in &pids {
                let done = kill(Pid::from_raw(*pid), what);
                assert!(done.is_ok() || !struck.is_empty(), "a process of this test's: {done:?}");
            }
        }
        if victims.contains(&Victim::Daemon) || struck.contains(&Victim::Daemon) {
            eventually("the daemon has ended", BOUND, || (!alive(self.daemon)).then_some(()));
        } else {
            let told = self.lines.by_ref().map_while(Result::ok).any(|line| line.starts_with("ended "));
            assert!(told, "the daemon learns it");
        }
    }

    /// The next line that the job says on its fd 3.
    pub(crate) fn says(&mut self) -> String {
        next(&mut self.lines)
    }

    /// Slot and supervisor have ended too.
    pub(crate) fn all_ended(&self) {
        for pid in [self.slot, self.supervisor] {
            eventually("slot and supervisor have ended", Duration::from_secs(5), || (!alive(pid)).then_some(()));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Its init then ends whatever a failed test has left.
        drop(self.host.stdin.take());
        let _ = self.host.wait();
    }
}

fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    lines.next().and_then(Result::ok).expect("a line of the fixture")
}
