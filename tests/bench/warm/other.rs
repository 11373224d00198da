//! All ways that are not Dayfly's: `ways.py`, and RQ with a server of its own.

use crate::{
    install::{Installed, Scripts},
    script::Script,
};
use anyhow::{Context as _, Result};
use dayfly_tests::{Server, eventually};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// How long RQ's workers may take to serve.
const PATIENCE: Duration = Duration::from_secs(60);
/// Its queues: of workers with the module loaded, and of those as they come.
pub(crate) const LOADED: &str = "loaded";
pub(crate) const PLAIN: &str = "plain";

pub(crate) struct Other {
    script: Script,
    workers: Vec<Child>,
    width: u32,
    // Ended after who uses it.
    _server: Server,
}

impl Other {
    /// With `width` workers of RQ a queue.
    pub(crate) fn start(installed: &Installed, width: u32) -> Result<Self> {
        let server = Server::start();
        let url = server.url();
        let folder = Scripts::Warm.folder();
        let command = |program: &str| -> Command {
            let mut command = installed.command(program);
            let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/src");
            command
                .env("PYTHONPATH", format!("{}:{}", folder.display(), package.display()))
                .env("PEER_REDIS_URL", &url)
                .env("PEER_CLIENT", Scripts::Peers.folder());
            command
        };
        let script = Script::start(command("python").arg(folder.join("ways.py")))?;
        let mut other = Self { script, workers: Vec::new(), width, _server: server };
        for _ in 0..width {
            let mut loaded = command("python");
            loaded.arg(folder.join("rq_worker.py")).arg(LOADED);
            let mut plain = command("rq");
            plain.args(["worker", "--quiet", "--url", &url, PLAIN]);
            for worker in [loaded.current_dir(&folder), plain.current_dir(&folder)] {
                other.workers.push(worker.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?);
            }
        }
        eventually("RQ's workers serve", PATIENCE, || {
            let there = other.script.ask("rq_workers", &json!({})).ok()?.as_u64()?;
            (there == 2 * u64::from(width)).then_some(())
        });
        other.rq(LOADED, width as usize * 2)?;
        other.rq(PLAIN, 2)?;
        Ok(other)
    }

    fn number(&mut self, verb: &str, arguments: &Value) -> Result<f64> {
        self.script.ask(verb, arguments)?.as_f64().with_context(|| format!("{verb} gives no number"))
    }

    /// A process a job; `method` as multiprocessing names it.
    pub(crate) fn multiprocessing(&mut self, method: &str, count: usize) -> Result<f64> {
        self.number("multiprocess", &json!({"method": method, "count": count, "width": self.width}))
    }

    pub(crate) fn pool(&mut self, count: usize) -> Result<f64> {
        self.number("pool", &json!({"count": count, "width": self.width}))
    }

    pub(crate) fn rq(&mut self, queue: &str, count: usize) -> Result<f64> {
        self.number("rq", &json!({"queue": queue, "count": count}))
    }

    /// Forks a second of the loaded interpreter, on all cores.
    pub(crate) fn forks(&mut self, cores: usize, seconds: f64) -> Result<f64> {
        self.number("fork", &json!({"seconds": seconds, "width": cores}))
    }

    /// As `Dayfly::latencies`, by the package's `Client`.
    pub(crate) fn latencies(&mut self, url: &str, task: &str, count: usize) -> Result<(Vec<f64>, Vec<f64>)> {
        let both = self.script.ask("through_the_client", &json!({"url": url, "task": task, "count": count}))?;
        Ok(serde_json::from_value(both)?)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            drop(worker.kill());
            drop(worker.wait());
        }
    }
}
