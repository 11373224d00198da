//! The house under fire: one server, an API and workers, each behind a proxy of its own, and somebody who starts again what
//! has ended, as a service manager would.

use super::{notes::Notes, proxy::Proxy, recipe};
use crate::{Daemon, Server, eventually_async, free_port};
use serde_json::json;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Programs the fleet is made of.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub(super) dayfly: PathBuf,
    /// What workers run as; the same, unless it is a mutant that is put to the test.
    pub(super) worker: PathBuf,
    /// The jobs' program.
    pub(super) job: PathBuf,
}

/// A daemon and when it may be started again.
#[derive(Debug)]
pub(super) struct Post {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    daemon: Daemon,
    back_at: Instant,
    /// It is expected to have ended.
    doomed: bool,
}

/// All parts.
#[derive(Debug)]
pub(super) struct Fleet {
    dir: PathBuf,
    pub(super) server: Mutex<Server>,
    /// By [`super::Fault::Link`].
    pub(super) links: Vec<Proxy>,
    /// Workers, then the API.
    posts: Mutex<Vec<Post>>,
    workers: usize,
    pub(super) url: String,
    pub(super) server_url: String,
    incidents: Notes,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fleet {
    /// Starts everything, and waits until the API is ready and every worker shows itself.
    pub(super) async fn start(dir: &Path, programs: &Programs, workers: usize, slots: usize) -> io::Result<Arc<Self>> {
        // What is acknowledged is on disk: the condition of what is promised.
        let server = Server::start_with(&["--appendfsync", "always"]);
        let (mut links, mut posts) = (Vec::new(), Vec::new());
        let port = free_port();
        for number in 0..=workers {
            let link = Proxy::start(free_port(), server.port()).await?;
            let name = if number < workers { format!("w{number}") } else { "api".to_owned() };
            let file = format!("{name}.toml");
            // As on a host of its own: others do not give back what it held.
            let state = dir.join(format!("state-{name}"));
            let tasks = recipe::tasks(&programs.job, dir);
            let text = format!(
                "[redis]\nurl = \"redis://127.0.0.1:{}/0\"\n[worker]\nlease_ttl = \"3s\"\nstate_dir = \"{}\"\n{tasks}",
                link.port(),
                state.display()
            );
            fs::write(dir.join(&file), text)?;
            let words: Vec<String> = if number < workers {
                ["worker", "--config", &file, "--name", &name, "--slots", &slots.to_string()].map(str::to_owned).into()
            } else {
                ["api", "--config", &file, "--listen", &format!("127.0.0.1:{port}")].map(str::to_owned).into()
            };
            let program = if number < workers { &programs.worker } else { &programs.dayfly };
            posts.push(Post::start(dir, name, program, words));
            links.push(link);
        }
        let incidents = Notes::open(&dir.join("incidents.jsonl"))?;
        let (url, server_url) = (format!("http://127.0.0.1:{port}"), server.url());
        let (server, posts) = (Mutex::new(server), Mutex::new(posts));
        let fleet = Arc::new(Self { dir: dir.to_owned(), server, links, posts, workers, url, server_url, incidents });
        fleet.ready().await;
        Ok(fleet)
    }

    async fn ready(&self) {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        eventually_async("the fleet is up", Duration::from_secs(30), || async {
            let answer = client.get(format!("{}/v1/workers", self.url)).send().await.ok()?;
            let body: serde_json::Value = answer.json().await.ok()?;
            (body["items"].as_array()?.len() == self.workers).then_some(())
        })
        .await;
    }

    /// Starts again what has ended, for as long as it is polled; gives nothing.
    pub(super) async fn keep(self: Arc<Self>) {
        loop {
            self.keep_once();
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn keep_once(&self) {
        for post in lock(&self.posts).iter_mut() {
            if post.daemon.running() || Instant::now() < post.back_at {
                continue;
            }
            if !post.doomed {
                let tail: Vec<String> = post.daemon.output().lines().rev().take(3).map(str::to_owned).collect();
                self.incidents.add(&json!({ "name": post.name, "ended_by_itself": tail }));
            }
            post.daemon = daemon(&self.dir, &post.name, &post.program, &post.arguments);
            post.doomed = false;
        }
    }

    /// Daemons that ended without having been killed, from the file of incidents.
    pub(super) fn incidents(&self) -> Vec<String> {
        fs::read_to_string(self.dir.join("incidents.jsonl")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// The pid of a worker's daemon.
    pub(super) fn daemon(&self, worker: usize) -> i32 {
        lock(&self.posts)[worker].daemon.pid()
    }

    /// Kills a worker's daemon, to be back after a while.
    pub(super) fn kill_worker(&self, worker: usize, away: Duration) {
        self.kill(worker, away);
    }

    /// Kills the API, to be back after a while.
    pub(super) fn kill_api(&self, away: Duration) {
        self.kill(self.workers, away);
    }

    fn kill(&self, post: usize, away: Duration) {
        let post = &mut lock(&self.posts)[post];
        post.doomed = true;
        post.back_at = Instant::now() + away;
        post.daemon.signal(nix::sys::signal::Signal::SIGKILL);
    }

    /// A worker is about to end because of what was done to it.
    pub(super) fn doom(&self, worker: usize) {
        lock(&self.posts)[worker].doomed = true;
    }

    /// Ends all daemons, and says which did not run.
    pub(super) fn stop(&self) -> Vec<String> {
        let mut posts = lock(&self.posts);
        let down = posts.iter_mut().filter_map(|post| (!post.daemon.running()).then(|| post.name.clone())).collect();
        posts.iter_mut().for_each(|post| post.daemon.kill());
        down
    }
}

impl Post {
    fn start(dir: &Path, name: String, program: &Path, arguments: Vec<String>) -> Self {
        let daemon = daemon(dir, &name, program, &arguments);
        Self { name, program: program.to_owned(), arguments, daemon, back_at: Instant::now(), doomed: false }
    }
}

fn daemon(dir: &Path, name: &str, program: &Path, arguments: &[String]) -> Daemon {
    Daemon::start_program(program, name, dir, arguments, std::env::var("DAYFLY_LOG").as_deref().unwrap_or("info"))
}
