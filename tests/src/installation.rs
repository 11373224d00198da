//! A whole installation of a test's own: a server, an API, workers, and a client on the outside.

use crate::{Daemon, Server, eventually_async, free_port, server::Backend};
use reqwest::Client;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

/// How long anything may take that should be quick, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// The parts. Ended with the value.
#[derive(Debug)]
pub struct Installation<S = Server> {
    /// The API's process.
    pub api: Daemon,
    /// The workers' processes.
    pub workers: Vec<Daemon>,
    /// The Redis-compatible server, or the set of them.
    pub server: S,
    /// Base URL of the API.
    pub url: String,
    client: Client,
    port: u16,
    dir: TempDir,
}

impl Installation {
    /// A server and an API whose file is `tasks` (the `[tasks.*]` part) with leases of 3 s; no worker yet.
    ///
    /// # Panics
    /// When a part does not come up.
    pub async fn start(tasks: &str) -> Self {
        Self::start_with("", tasks).await
    }

    /// As [`Installation::start`], with further lines of `[worker]`.
    ///
    /// # Panics
    /// When a part does not come up.
    pub async fn start_with(worker: &str, tasks: &str) -> Self {
        Self::start_on(Server::start(), worker, tasks).await
    }

    /// As [`Installation::start`], with leases of another length.
    ///
    /// # Panics
    /// When a part does not come up.
    pub async fn start_with_lease(lease_ttl: &str, tasks: &str) -> Self {
        Self::on(Server::start(), lease_ttl, "", tasks).await
    }
}

impl<S: Backend> Installation<S> {
    /// As [`Installation::start_with`], on `server`.
    ///
    /// # Panics
    /// When a part does not come up.
    pub async fn start_on(server: S, worker: &str, tasks: &str) -> Self {
        Self::on(server, "3s", worker, tasks).await
    }

    /// As [`Installation::start_on`], with leases of a given length.
    ///
    /// # Panics
    /// When a part does not come up.
    pub async fn on(server: S, lease_ttl: &str, worker: &str, tasks: &str) -> Self {
        Self::with_redis(server, "", lease_ttl, worker, tasks).await
    }

    /// As [`Installation::on`], with further lines of `[redis]`.
    ///
    /// # Panics
    /// When a part does not come up.
    pub async fn with_redis(server: S, redis: &str, lease_ttl: &str, worker: &str, tasks: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let state = dir.path().join("state");
        let config = format!(
            "[redis]\nurl = \"{}\"\n{redis}\n[worker]\nlease_ttl = \"{lease_ttl}\"\nstate_dir = \"{}\"\n{worker}\n{tasks}",
            server.url(),
            state.display()
        );
        fs::write(dir.path().join("dayfly.toml"), config).expect("a configuration");
        let port = free_port();
        let api = start_api(dir.path(), port);
        let client = Client::builder().no_proxy().build().expect("a client");
        let rig = Self { api, workers: Vec::new(), server, url: format!("http://127.0.0.1:{port}"), client, port, dir };
        rig.ready().await;
        rig
    }

    /// The folder with its files and logs.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path in that folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts a further worker and waits until it shows itself; gives its index.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn add_worker(&mut self, slots: u32) -> usize {
        let index = self.workers.len();
        let name = format!("w{index}");
        self.workers.push(start_worker(self.dir.path(), &name, slots));
        self.worker_id(index).await;
        index
    }

    /// Starts a further worker without waiting for it.
    pub fn add_worker_later(&mut self, slots: u32) {
        let name = format!("w{}", self.workers.len());
        self.workers.push(start_worker(self.dir.path(), &name, slots));
    }

    /// The id under which a worker shows itself.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn worker_id(&self, index: usize) -> String {
        let pid = self.workers[index].pid();
        eventually_async("the worker shows itself", PATIENCE, || async {
            let all = self.try_get("/v1/workers").await?;
            let own = all["items"].as_array()?.iter().find(|worker| worker["pid"] == pid)?.clone();
            own["id"].as_str().map(str::to_owned)
        })
        .await
    }

    /// Starts the API again on the same address.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn restart_api(&mut self) {
        self.api.kill();
        self.api = start_api(self.dir.path(), self.port);
        self.ready().await;
    }

    /// Starts a killed worker again under its old name, without waiting for it.
    pub fn restart_worker(&mut self, index: usize, slots: u32) {
        self.workers[index].kill();
        self.workers[index] = start_worker(self.dir.path(), &format!("w{index}"), slots);
    }

    /// Starts a killed API again without waiting for it.
    pub fn restart_api_later(&mut self) {
        self.api.kill();
        self.api = start_api(self.dir.path(), self.port);
    }

    async fn ready(&self) {
        eventually_async("the API is ready", PATIENCE, || async {
            let answer = self.client.get(format!("{}/readyz", self.url)).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// A request to `path`, to be completed and sent.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, format!("{}{path}", self.url)).timeout(PATIENCE)
    }

    /// Submits a job; gives its id.
    ///
    /// # Panics
    /// When it is not accepted.
    pub async fn submit(&self, task_and_query: &str, input: &Value) -> String {
        let answer = self.request("POST", &format!("/v1/tasks/{task_and_query}")).json(input).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{status} {body}");
        body["id"].as_str().expect("an id").to_owned()
    }

    /// A GET that may fail.
    pub async fn try_get(&self, path: &str) -> Option<Value> {
        let answer = self.request("GET", path).send().await.ok()?;
        if answer.status().is_success() { answer.json().await.ok() } else { None }
    }

    /// A GET that must succeed.
    ///
    /// # Panics
    /// When it does not.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.request("GET", path).send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// The job as it stands.
    ///
    /// # Panics
    /// When there is no such job.
    pub async fn job(&self, id: &str) -> Value {
        self.get(&format!("/v1/jobs/{id}")).await
    }

    /// Waits until `check` holds for the job.
    ///
    /// # Panics
    /// When it does not within `bound`.
    pub async fn job_until(&self, id: &str, bound: Duration, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        let last = std::cell::RefCell::new(Value::Null);
        eventually_async(format_args!("job {id}: {what}"), bound, || async {
            let job = self.try_get(&format!("/v1/jobs/{id}")).await?;
            *last.borrow_mut() = job.clone();
            check(&job).then_some(job)
        })
        .await
    }

    /// Waits until the job has ended.
    ///
    /// # Panics
    /// When it has not within 60 s.
    pub async fn ended(&self, id: &str) -> Value {
        self.job_until(id, Duration::from_secs(60), "has ended", |job| {
            ["succeeded", "failed", "cancelled"].iter().any(|state| job["state"] == *state)
        })
        .await
    }

    /// A raw Redis connection.
    ///
    /// # Panics
    /// When the server is away.
    pub async fn redis(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.server.primary_url().await).expect("a URL");
        client.get_multiplexed_async_connection().await.expect("a connection")
    }
}

fn start_api(dir: &Path, port: u16) -> Daemon {
    Daemon::start("api", dir, ["api", "--config", "dayfly.toml", "--listen", &format!("127.0.0.1:{port}")])
}

fn start_worker(dir: &Path, name: &str, slots: u32) -> Daemon {
    Daemon::start(name, dir, ["worker", "--config", "dayfly.toml", "--name", name, "--slots", &slots.to_string()])
}
