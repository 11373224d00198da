//! Each process killed at each step between a job's submission and its end: the job still ends, once, with the result of one of
//! its attempts, and no two of them ever ran together.
//!
//! Three rounds; twenty with `DAYFLY_TEST_LONG=1`.

use dayfly_tests::{
    Daemon, Point, Server, Tripwire, descendants, eventually, eventually_async, free_port, processes_with,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::Client;
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};
use tempfile::TempDir;

const BOUND: Duration = Duration::from_secs(30);
const POINTS: [Point; 3] = [Point::Sent, Point::Done, Point::Answered];
/// What a worker calls for a job; the last heartbeat and the finish have its outcome under way.
const OF_A_WORKER: [&str; 4] = ["dayfly_claim", "dayfly_heartbeat", "dayfly_report", "dayfly_finish"];

/// The lock is the kernel's: it goes with the processes that hold it. Whoever finds it taken has met another copy.
const CONFIG: &str = r#"
[redis]
url = "SERVER"
[worker]
lease_ttl = "3s"
state_dir = "state"
[tasks.one]
command = ["sh", "-c", '''
exec 9> "$LOCKS/$DAYFLY_JOB_ID"
flock -n 9 || echo "$DAYFLY_JOB_ID $DAYFLY_FENCE" >> "$LOCKS/overlaps"
echo at work >&2
sleep 0.3
echo "\"$DAYFLY_FENCE\""
''']
env = { LOCKS = "LOCKS_DIR" }
kill_grace = "0s"
lost_retries = 5
"#;

struct House {
    server: Server,
    api: Daemon,
    worker: Daemon,
    before_api: Tripwire,
    before_worker: Tripwire,
    url: String,
    client: Client,
    dir: TempDir,
}

impl House {
    async fn start() -> Self {
        // A kill of the server loses nothing that it has answered.
        let server = Server::start_with(&["--appendfsync", "always"]);
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("locks")).expect("a folder");
        let locks = dir.path().join("locks").display().to_string();
        let config = CONFIG.replace("SERVER", &server.url()).replace("LOCKS_DIR", &locks);
        fs::write(dir.path().join("dayfly.toml"), config).expect("a configuration");
        let (before_api, before_worker) = (Tripwire::start(server.port()).await, Tripwire::start(server.port()).await);
        let port = free_port();
        let house = Self {
            api: start_api(dir.path(), port, &before_api),
            worker: start_worker(dir.path(), &before_worker),
            url: format!("http://127.0.0.1:{port}"),
            client: Client::builder().no_proxy().build().expect("a client"),
            server,
            before_api,
            before_worker,
            dir,
        };
        house.ready().await;
        house
    }

    fn port(&self) -> u16 {
        self.url.rsplit_once(':').expect("a port").1.parse().expect("a number")
    }

    async fn ready(&self) {
        eventually_async("API and worker are there", BOUND, || async {
            let workers = self.get("/v1/workers").await?;
            let pid = self.worker.pid();
            workers["items"].as_array()?.iter().any(|worker| worker["pid"] == pid).then_some(())
        })
        .await;
    }

    async fn get(&self, path: &str) -> Option<Value> {
        self.client.get(format!("{}{path}", self.url)).timeout(BOUND).send().await.ok()?.json().await.ok()
    }

    /// Submits with a key until it is acknowledged; gives the id.
    fn submit(&self, key: &str) -> impl Future<Output = String> + Send + use<> {
        let request = self.client.post(format!("{}/v1/tasks/one", self.url)).header("idempotency-key", key);
        let request = request.json(&json!({})).timeout(Duration::from_secs(8));
        eventually_async("it is taken", BOUND, move || {
            let request = request.try_clone().expect("a body that can be sent again");
            async move {
                let body: Value = request.send().await.ok()?.json().await.ok()?;
                body["id"].as_str().map(str::to_owned)
            }
        })
    }

    /// The end of a job, and that it was a good one.
    async fn ends_well(&self, id: &str, what: &str) {
        let job = eventually_async(&format!("{what}: {id} ends"), BOUND, || async {
            let job = self.get(&format!("/v1/jobs/{id}")).await?;
            ["succeeded", "failed", "cancelled"].iter().any(|state| job["state"] == *state).then_some(job)
        })
        .await;
        assert_eq!(job["state"], "succeeded", "{what}: {job}");
        let attempt = job["attempt"].as_u64().expect("a number");
        let by = job["result"].as_str().and_then(|fence| fence.split_once('-')).map(|(number, _)| number.to_owned());
        assert_eq!(by, Some(attempt.to_string()), "{what}: the result is that of the attempt that counts: {job}");
        assert!(attempt <= 4, "{what}: {job}");
        eventually(&format!("{what}: nothing of it is left"), BOUND, || processes_with(id).is_empty().then_some(()));
        let overlaps = fs::read_to_string(self.dir.path().join("locks/overlaps")).unwrap_or_default();
        assert_eq!(overlaps, "", "{what}: copies that met another");
    }
}

fn start_api(dir: &Path, port: u16, through: &Tripwire) -> Daemon {
    let listen = format!("127.0.0.1:{port}");
    Daemon::start("api", dir, ["api", "--listen", &listen, "--redis-url", &through.url()])
}

fn start_worker(dir: &Path, through: &Tripwire) -> Daemon {
    Daemon::start("worker", dir, ["worker", "--slots", "2", "--redis-url", &through.url()])
}

fn rounds() -> usize {
    if std::env::var_os("DAYFLY_TEST_LONG").is_some() { 20 } else { 3 }
}

fn kill_hard(pid: i32) {
    // It may have gone with another.
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}

/// Processes below the worker with this name.
fn named(worker: i32, name: &str) -> Vec<i32> {
    let is = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim_end() == name);
    descendants(worker).into_iter().filter(is).collect()
}

/// Goes through all steps of a worker; `strike` kills, `mend` makes the house whole again.
async fn at_each_step(name: &str, strike: impl Fn(&House) -> Box<dyn FnOnce() + Send>, mend: impl AsyncFn(&mut House)) {
    let mut house = House::start().await;
    let mut number = 0;
    for round in 0..rounds() {
        for function in OF_A_WORKER {
            for point in POINTS {
                let what = format!("{name} killed when {function} is {point:?}, round {round}");
                let acted = house.before_worker.arm(function, point, strike(&house));
                // A heartbeat may trip the wire before the submission has come to anything.
                let submitted = tokio::spawn(house.submit(&what.replace(' ', "-")));
                tokio::time::timeout(BOUND, acted)
                    .await
                    .unwrap_or_else(|_| panic!("{what}: it never came to that"))
                    .ok();
                mend(&mut house).await;
                let id = submitted.await.expect("an id");
                house.ends_well(&id, &what).await;
                number += 1;
            }
        }
    }
    println!("{name}: {number} kills, each job ended once, none lost, none doubled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon() {
    at_each_step(
        "daemon",
        |house| {
            let pid = house.worker.pid();
            Box::new(move || kill_hard(pid))
        },
        async |house| {
            house.worker.kill();
            house.worker = start_worker(house.dir.path(), &house.before_worker);
            house.ready().await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_supervisor() {
    at_each_step(
        "supervisor",
        |house| {
            let pid = house.worker.pid();
            Box::new(move || named(pid, "dayfly-super").into_iter().for_each(kill_hard))
        },
        async |house| {
            // Without it the daemon can run nothing: it ends by itself, and is started again as a service would be.
            house.worker.wait(BOUND);
            house.worker = start_worker(house.dir.path(), &house.before_worker);
            house.ready().await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_slot() {
    at_each_step(
        "slots",
        |house| {
            let pid = house.worker.pid();
            Box::new(move || named(pid, "dayfly-slot").into_iter().for_each(kill_hard))
        },
        async |_| {},
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server() {
    at_each_step(
        "server",
        |house| {
            let pid = house.server.pid().expect("a running server").cast_signed();
            Box::new(move || kill_hard(pid))
        },
        async |house| house.server.restart(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_and_its_server_under_a_submission() {
    let mut house = House::start().await;
    let mut number = 0;
    for round in 0..rounds() {
        for point in POINTS {
            for api in [true, false] {
                let what = format!(
                    "{} killed when a submission is {point:?}, round {round}",
                    if api { "API" } else { "server" }
                );
                let pid = if api { house.api.pid() } else { house.server.pid().expect("it runs").cast_signed() };
                let acted = house.before_api.arm("dayfly_submit", point, move || kill_hard(pid));
                let key = what.replace(' ', "-");
                let first = house.client.post(format!("{}/v1/tasks/one", house.url)).header("idempotency-key", &key);
                let first = tokio::spawn(first.json(&json!({})).timeout(BOUND).send());
                tokio::time::timeout(BOUND, acted)
                    .await
                    .unwrap_or_else(|_| panic!("{what}: it never came to that"))
                    .ok();
                if api {
                    house.api.kill();
                    house.api = start_api(house.dir.path(), house.port(), &house.before_api);
                } else {
                    house.server.restart();
                }
                house.ready().await;
                // Whatever the first one was told: with its key it can be sent again, and there is one job.
                let _ = first.await;
                let id = house.submit(&key).await;
                house.ends_well(&id, &what).await;
                assert_eq!(house.submit(&key).await, id);
                number += 1;
            }
        }
    }
    let all = house.get("/v1/jobs?limit=200").await.expect("a list");
    assert_eq!(all["items"].as_array().map(Vec::len), Some(number), "one job for each key");
}
