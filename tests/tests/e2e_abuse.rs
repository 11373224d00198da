//! More than a healthy house gets: thousands of idle connections, a thousand waiting clients, descriptors used up.

use dayfly_tests::{Installation, eventually_async};
use serde_json::{Value, json};
use std::{
    fs,
    net::TcpStream,
    time::{Duration, Instant},
};

const BOUND: Duration = Duration::from_secs(30);
const TASKS: &str = r#"
[tasks.gate]
command = ["sh", "-c", "read line; while [ ! -e \"$GATE\" ]; do sleep 0.05; done; echo '\"open\"'"]
env = { GATE = "GATE_PATH" }
[tasks.quick]
command = ["echo", "\"ok\""]
"#;

fn resident(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a living process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its size");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("a living process").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_are_borne_and_shed() {
    let mut rig = Installation::start(TASKS).await;
    rig.add_worker(1).await;
    let before = resident(rig.api.pid());
    let address = rig.url.trim_start_matches("http://").to_owned();
    let wanted = 10_000_usize;
    let mut idle = Vec::with_capacity(wanted);
    while idle.len() < wanted {
        match TcpStream::connect(&address) {
            Ok(stream) => idle.push(stream),
            // Descriptors of this process: a host that allows fewer tests with fewer.
            Err(error) => {
                println!("{error} after {}", idle.len());
                break;
            }
        }
    }
    assert!(idle.len() >= 900, "this host allows a test only {} descriptors", idle.len());
    // Some of them may be among those that are answered at once or later; a new one must be served all the same.
    let id = rig.submit("quick", &json!({})).await;
    assert_eq!(rig.ended(&id).await["result"], "ok");
    let each = resident(rig.api.pid()).saturating_sub(before) / idle.len() as u64;
    println!("{} idle connections: {each} bytes each", idle.len());
    assert!(each < 20_000, "{each} bytes an idle connection");
    // Whoever says nothing for 15 s is let go.
    eventually_async("they are closed from the other side", Duration::from_secs(150), || async {
        (descriptors(rig.api.pid()) < 100).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_clients_wait_for_one_job_and_all_hear_of_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let gate = dir.path().join("open");
    let mut rig = Installation::start(&TASKS.replace("GATE_PATH", gate.to_str().expect("UTF-8"))).await;
    rig.add_worker(1).await;
    let id = rig.submit("gate", &json!({})).await;
    rig.job_until(&id, BOUND, "runs", |job| job["state"] == "running").await;
    let path = format!("/v1/jobs/{id}");
    let waiting: Vec<_> =
        (0..1_000).map(|_| tokio::spawn(rig.request("GET", &path).header("prefer", "wait=25").send())).collect();
    eventually_async("they are all there", BOUND, || async { (descriptors(rig.api.pid()) >= 900).then_some(()) }).await;
    let mut redis = rig.redis().await;
    let clients: String = redis::cmd("INFO").arg("clients").query_async(&mut redis).await.expect("an answer");
    let connected = clients.lines().find_map(|line| line.strip_prefix("connected_clients:")).expect("a number");
    assert!(connected.parse::<u32>().expect("a number") < 60, "waiting costs no connection to Redis: {connected}");
    let begun = Instant::now();
    fs::write(&gate, "").expect("opened");
    for client in waiting {
        let answer = client.await.expect("no panic").expect("an answer");
        let job: Value = answer.json().await.expect("JSON");
        assert_eq!(job["state"], "succeeded", "{job}");
    }
    println!("a thousand waiting clients heard of the end within {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_without_descriptors_recovers() {
    let mut rig = Installation::start(TASKS).await;
    rig.add_worker(1).await;
    let pid = rig.api.pid();
    let limit = descriptors(pid) + 20;
    let set = std::process::Command::new("prlimit")
        .args([format!("--pid={pid}"), format!("--nofile={limit}:")])
        .status()
        .expect("prlimit of util-linux");
    assert!(set.success());
    let address = rig.url.trim_start_matches("http://").to_owned();
    let hogs: Vec<TcpStream> = (0..60).filter_map(|_| TcpStream::connect(&address).ok()).collect();
    eventually_async("it runs out", BOUND, || async { rig.api.output().contains("Too many open files").then_some(()) })
        .await;
    drop(hogs);
    let id = eventually_async("it takes jobs again", BOUND, || async {
        let answer = rig.request("POST", "/v1/tasks/quick").json(&json!({})).send().await.ok()?;
        let body: Value = answer.json().await.ok()?;
        body["id"].as_str().map(str::to_owned)
    })
    .await;
    assert_eq!(rig.ended(&id).await["result"], "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_without_descriptors_loses_no_job() {
    let mut rig = Installation::start(TASKS).await;
    rig.add_worker(8).await;
    let pid = rig.workers[0].pid();
    // Enough for itself, for a job or two, not for eight.
    let limit = descriptors(pid) + 12;
    let narrow = |limit: &str| {
        let set = std::process::Command::new("prlimit")
            .args([format!("--pid={pid}"), format!("--nofile={limit}:")])
            .status()
            .expect("prlimit of util-linux");
        assert!(set.success());
    };
    narrow(&limit.to_string());
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(rig.submit("quick", &json!({})).await);
    }
    let what = "cannot start a job at the moment";
    eventually_async("it runs out", BOUND, || async { rig.workers[0].output().contains(what).then_some(()) }).await;
    narrow("4096");
    for id in &ids {
        let job = rig.ended(id).await;
        assert_eq!(job["state"], "succeeded", "{job}");
    }
}
