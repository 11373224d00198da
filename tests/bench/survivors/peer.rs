//! RQ or Celery: a worker by its own command, and a client in its own language that does what it is told.

use super::{
    ending::{Ending, Manner, Victims},
    system::{Order, System},
    tree::within,
};
use crate::{
    install::{Installed, Scripts},
    script::Script,
};
use anyhow::{Context as _, Result, ensure};
use dayfly_tests::Server;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// How long a worker may take to serve.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Rq,
    Celery,
}

impl Kind {
    fn client(self) -> &'static str {
        match self {
            Self::Rq => "rq_peer.py",
            Self::Celery => "celery_peer.py",
        }
    }

    fn worker(self, installed: &Installed, url: &str) -> Command {
        match self {
            Self::Rq => {
                let mut command = installed.command("rq");
                command.args(["worker", "--url", url, "trees"]);
                command
            }
            Self::Celery => {
                let mut command = installed.command("celery");
                command.args(["-A", "celery_peer", "worker", "--pool", "prefork", "--concurrency", "1"]);
                command
            }
        }
    }
}

pub(crate) struct Peer<'a> {
    kind: Kind,
    installed: &'a Installed,
    hostile: PathBuf,
    worker: Option<Child>,
    client: Script,
    server: Server,
    dir: TempDir,
}

impl<'a> Peer<'a> {
    /// With a server of its own, and a worker that serves.
    pub(crate) async fn start(kind: Kind, installed: &'a Installed, hostile: &Path) -> Result<Self> {
        let server = Server::start();
        let mut client = installed.command("python");
        client.arg(Scripts::Peers.folder().join(kind.client())).env("PEER_REDIS_URL", server.url());
        let client = Script::start(&mut client)?;
        let dir = tempfile::tempdir()?;
        let hostile = hostile.to_owned();
        let mut peer = Self { kind, installed, hostile, worker: None, client, server, dir };
        peer.start_worker().await?;
        Ok(peer)
    }

    fn ask(&mut self, verb: &str, arguments: &Value) -> Result<Value> {
        self.client.ask(verb, arguments).with_context(|| format!("the client of {:?}", self.kind))
    }

    fn ready_file(&self, id: &str) -> PathBuf {
        self.dir.path().join(id)
    }

    fn log_file(&self) -> PathBuf {
        self.dir.path().join("worker.log")
    }

    fn kill_worker(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            drop(worker.kill());
            drop(worker.wait());
        }
    }
}

impl System for Peer<'_> {
    /// Work-horse and worker, or pool process and main process.
    const ABOVE: usize = 2;

    fn knows(&self, ending: Ending) -> bool {
        match ending {
            // RQ's stop command kills.
            Ending::Cancel(Manner::AsksFirst) => matches!(self.kind, Kind::Celery),
            Ending::Killed(Victims::Between) => false,
            Ending::TimeLimit
            | Ending::Cancel(Manner::KillsAtOnce)
            | Ending::LeaderExits
            | Ending::Killed(Victims::Nearest | Victims::Farthest | Victims::All) => true,
        }
    }

    async fn submit(&mut self, order: &Order<'_>) -> Result<String> {
        let id = uuid::Uuid::new_v4().to_string();
        let go = (order.ending == Ending::LeaderExits).then_some(order.go);
        let job = json!({
            "hostile": self.hostile,
            "shape": order.shape,
            "tree": id,
            "ready": self.ready_file(&id),
            "go": go,
        });
        self.ask("submit", &json!({"time_limit": order.ending.time_limit().as_secs(), "order": job}))?;
        Ok(id)
    }

    async fn stands(&mut self, id: &str) -> Result<bool> {
        Ok(fs::read_to_string(self.ready_file(id)).is_ok_and(|said| said.contains("ready")))
    }

    async fn ended(&mut self, id: &str) -> Result<bool> {
        Ok(self.ask("ended", &json!({"tree": id}))? == true)
    }

    async fn cancel(&mut self, id: &str, manner: Manner) -> Result<()> {
        let at_once = manner == Manner::KillsAtOnce;
        self.ask("cancel", &json!({"tree": id, "at_once": at_once})).map(drop)
    }

    async fn start_worker(&mut self) -> Result<()> {
        self.kill_worker();
        let log = fs::File::options().create(true).append(true).open(self.log_file())?;
        let worker = self
            .kind
            .worker(self.installed, &self.server.url())
            .current_dir(self.dir.path())
            .env("PEER_REDIS_URL", self.server.url())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let pid = worker.id();
        self.worker = Some(worker);
        let serves = within(PATIENCE, async || Ok(self.ask("serves", &json!({"pid": pid}))? == true)).await?;
        ensure!(serves, "the worker of {:?} does not serve: {}", self.kind, self.log());
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }
}

impl Drop for Peer<'_> {
    fn drop(&mut self) {
        self.kill_worker();
    }
}
