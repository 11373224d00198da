//! One part of the house as a child process: started, watched, started again, ended.

use super::server::tail;
use crate::failure::Failure;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    env,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tokio::process::{Child, Command};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Having run this long, a part is taken to have been well.
const WELL_AFTER: Duration = Duration::from_secs(20);

/// What to start.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(&'static str, String)>,
    /// Where it writes its log when not to this terminal.
    pub(super) log: Option<PathBuf>,
}

/// A part of the house.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: &'static str,
    line: Line,
    child: Option<Child>,
    started: Instant,
    pause: Duration,
}

impl Part {
    /// Starts it.
    pub(super) fn start(name: &'static str, line: Line) -> Result<Self, Failure> {
        let mut part = Self { name, line, child: None, started: Instant::now(), pause: FIRST_PAUSE };
        part.spawn()?;
        Ok(part)
    }

    /// In a process group of its own (Ctrl-C is not for it) and tethered to this process.
    fn spawn(&mut self) -> Result<(), Failure> {
        // The path of this program, or a way to it that works even when the file has been replaced by a new build.
        let own = env::current_exe().ok().filter(|path| path.is_file()).unwrap_or_else(|| "/proc/self/exe".into());
        let mut command = Command::new(own);
        command.args(["tether", "--parent", &std::process::id().to_string(), "--"]);
        command
            .arg(&self.line.program)
            .args(&self.line.args)
            .envs(self.line.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).process_group(0);
        if self.line.log.is_some() {
            command.stdout(Stdio::null());
        }
        let child = command.spawn().map_err(|why| Failure::runtime(format_args!("{}: {why}", self.name)))?;
        self.child = Some(child);
        self.started = Instant::now();
        Ok(())
    }

    /// Its pid while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Waits for its end. Cancel-safe.
    pub(super) async fn ended(&mut self) -> Option<ExitStatus> {
        match &mut self.child {
            Some(child) => {
                let status = child.wait().await.ok();
                self.child = None;
                status
            }
            None => None,
        }
    }

    /// Waits for its end during the start, when an end is a failure of the start.
    pub(super) async fn ended_too_early(&mut self) -> Failure {
        let how = self.ended().await.map_or_else(|| "is gone".to_owned(), |status| format!("ended: {status}"));
        let log = self.line.log.as_deref().map(|log| format!("; {} ends with:\n{}", log.display(), tail(log)));
        Failure::runtime(format_args!("the {} {how}{}", self.name, log.unwrap_or_default()))
    }

    /// Keeps it running for ever. Cancel-safe: what was cut off in its pause stays ended.
    pub(super) async fn keep(&mut self) -> Failure {
        loop {
            if self.child.is_some() {
                let how = self.ended().await.map_or_else(String::new, |status| format!(" ({status})"));
                if self.started.elapsed() >= WELL_AFTER {
                    self.pause = FIRST_PAUSE;
                }
                eprintln!("dayfly dev: the {} ended{how}; starting it again in {:?}", self.name, self.pause);
            }
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            if let Err(failure) = self.spawn() {
                return failure;
            }
        }
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid().and_then(|pid| i32::try_from(pid).ok()) {
            let _gone_already = kill(Pid::from_raw(pid), signal);
        }
    }

    /// SIGTERM, and SIGKILL when it has not ended after `bound`.
    pub(super) async fn end(&mut self, bound: Duration) {
        self.signal(Signal::SIGTERM);
        if tokio::time::timeout(bound, self.ended()).await.is_err() {
            eprintln!("dayfly dev: the {} did not end within {bound:?}; killing it", self.name);
            self.signal(Signal::SIGKILL);
            self.ended().await;
        }
    }
}
