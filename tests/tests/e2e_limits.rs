//! A task's limits, user and sandbox hold from its configuration to its job's record.

use dayfly_tests::{Daemon, Installation};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

const TASKS: &str = r#"
[tasks.leak]
command = ["tail", "/dev/zero"]
memory = "32MiB"
[tasks.burn]
command = ["sh", "-c", "while :; do :; done"]
cpu_time = "300ms"
kill_grace = "100ms"
[tasks.fill]
command = ["sh", "-c", "exec dd if=/dev/zero of=big bs=64k status=none"]
fsize = "1MiB"
[tasks.fits]
command = ["sh", "-c", "ulimit -n; umask"]
memory = "64MiB"
nofile = 100
[tasks.kept]
command = ["sh", "-c", "echo in > here && cat here; echo out > /var/tmp/dayfly-e2e-limits || echo refused"]
sandbox = "workdir"
"#;

fn root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

async fn run(rig: &Installation, task: &str) -> Value {
    let id = rig.submit(task, &json!({})).await;
    rig.ended(&id).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_that_ended_a_job_is_in_its_record() {
    let mut rig = Installation::start(TASKS).await;
    rig.add_worker(2).await;
    let rig = rig;
    let shown = rig.get("/v1/workers").await;
    for limit in ["memory", "nproc", "cpus"] {
        let holder = shown["items"][0]["limits"][limit].as_str().expect("who holds it");
        assert!(["cgroup v2", "cgroup v1", "slot"].contains(&holder), "{shown}");
    }
    let expected = [
        ("leak", "oom", "its processes took more than memory = 32 MiB"),
        ("burn", "timeout", "its processes used more than cpu_time = 0.3 s"),
        ("fill", "signal", "wrote a file larger than fsize = 1 MiB"),
    ];
    for (task, kind, message) in expected {
        let job = run(&rig, task).await;
        let found = (&job["error"]["kind"], &job["error"]["message"], &job["killed_by"]);
        assert_eq!(found, (&json!(kind), &json!(message), &json!("limit")), "{job}");
    }
    let job = run(&rig, "fits").await;
    assert_eq!((&job["state"], &job["result"]), (&json!("succeeded"), &json!("100\n0022\n")), "{job}");
    let job = run(&rig, "kept").await;
    assert_eq!(job["result"], "in\nrefused\n", "{job}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_runs_as_its_tasks_user_in_a_folder_of_its_own() {
    if !root() {
        return;
    }
    let tasks =
        "[tasks.who]\ncommand = [\"sh\", \"-c\", \"id -u; touch mine && stat -c %u mine\"]\nuser = \"nobody\"\n";
    let mut rig = Installation::start(tasks).await;
    fs::set_permissions(rig.dir(), fs::Permissions::from_mode(0o755)).expect("a mode");
    rig.add_worker(1).await;
    let rig = rig;
    for _ in 0..2 {
        let job = run(&rig, "who").await;
        assert_eq!(job["result"], "65534\n65534\n", "{job}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_user_is_told_at_the_start() {
    let rig = Installation::start("[tasks.who]\ncommand = [\"id\"]\nuser = \"no-such-user\"\n").await;
    let mut worker = Daemon::start("unknown", rig.dir(), ["worker", "--config", "dayfly.toml"]);
    let status = worker.wait(Duration::from_secs(30));
    let told = fs::read_to_string(rig.path("unknown.log")).expect("its log");
    assert_eq!(status.code(), Some(1), "{told}");
    assert!(told.contains("[tasks.who]: there is no user `no-such-user` on this host"), "{told}");
}
