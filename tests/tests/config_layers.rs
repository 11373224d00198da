//! File, then environment, then flags; defaults below them; and what a task becomes.

use dayfly_common::{
    config::{Config, Flag, Inputs, Isolation, load},
    model::{Backoff, ErrorKind, OutputKind, Program, RetryOn},
};
use serde_json::json;
use std::fs;

fn loaded(text: &str, variables: &[(&str, &str)], flags: Vec<Flag>) -> Config {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("dayfly.toml");
    fs::write(&file, text).expect("written");
    fs::write(dir.path().join("job.py"), "").expect("written");
    fs::write(dir.path().join("schema.json"), r#"{"type": "object", "required": ["n"]}"#).expect("written");
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    load(&Inputs { file: Some(file), variables, flags, runs_tasks: false, ..Inputs::default() })
        .unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = load(&Inputs::default()).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.redis.url, "redis://127.0.0.1:6379/0");
    assert_eq!(config.redis.prefix, "dayfly");
    assert_eq!(config.api.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((config.api.max_body, config.api.max_wait_ms, config.api.insecure), (1 << 20, 60_000, false));
    let worker = config.worker;
    assert!(worker.slots >= 1 && !worker.name.is_empty() && worker.state_dir.is_absolute());
    assert_eq!((worker.lease_ttl_ms, worker.heartbeat_ms, worker.drain_timeout_ms), (60_000, 1_000, 30_000));
    assert_eq!(worker.memory, None);
    assert!(config.tasks.is_empty());
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let text = "[api]\nlisten = \"127.0.0.1:1\"\nmax_wait = \"5s\"\n[worker]\nslots = 3\nname = \"a\"\n";
    let variables =
        [("DAYFLY_API_LISTEN", "127.0.0.1:2"), ("DAYFLY_WORKER_SLOTS", "4"), ("DAYFLY_API_INSECURE", "true")];
    let flag = Flag { name: "--listen", setting: ("api", "listen"), value: "localhost:3".to_owned() };
    let config = loaded(text, &variables, vec![flag]);
    assert_eq!(config.api.listen.to_string(), "127.0.0.1:3");
    assert_eq!((config.worker.slots, config.worker.name.as_str()), (4, "a"));
    assert_eq!((config.api.max_wait_ms, config.api.insecure), (5_000, true));
}

#[test]
fn a_listener_is_read_whole() {
    let text = r#"
[api]
max_connections = 10
max_requests = 20
head_timeout = "1s"
idle_timeout = "2s"
tls_cert = "cert.pem"
tls_key = "/etc/key.pem"
trusted_proxies = ["10.0.0.0/8"]
hosts = ["Dayfly.example"]
cors_origins = ["https://app.example:443"]
access_log = true
"#;
    let config = loaded(text, &[("DAYFLY_API_HOSTS", "a.example, b.example")], vec![]);
    let listener = config.api.listener;
    assert_eq!((listener.max_connections, listener.max_requests), (10, 20));
    assert_eq!((listener.head_timeout_ms, listener.idle_timeout_ms, listener.access_log), (1_000, 2_000, true));
    let tls = listener.tls.expect("files");
    assert_eq!((tls.cert, tls.key.to_str()), (config.base_dir.join("cert.pem"), Some("/etc/key.pem")));
    assert!(listener.trusted_proxies[0].contains(&std::net::IpAddr::from([10, 1, 2, 3])));
    assert_eq!(listener.hosts, ["a.example", "b.example"]);
    assert_eq!(listener.cors_origins, ["https://app.example"]);
}

#[test]
fn a_workers_memory_comes_from_the_file_or_a_variable() {
    let text = "[worker]\nmemory = \"8GiB\"\n";
    assert_eq!(loaded(text, &[], vec![]).worker.memory, Some(8 << 30));
    assert_eq!(loaded(text, &[("DAYFLY_WORKER_MEMORY", "512MiB")], vec![]).worker.memory, Some(512 << 20));
}

#[test]
fn a_task_has_the_defaults_of_the_interface() {
    let config = loaded("[tasks.job]\ncommand = [\"python3\", \"job.py\"]\n", &[], vec![]);
    let task = &config.tasks["job"];
    let Program::Command(argv) = &task.program else { panic!("not a command") };
    assert_eq!(argv[0], "python3");
    assert_eq!(argv[1], config.base_dir.join("job.py").display().to_string());
    assert_eq!((task.timeout_ms, task.max_timeout_ms, task.kill_grace_ms), (600_000, 600_000, 5_000));
    assert_eq!((task.retries, task.lost_retries, task.backoff), (0, 2, Backoff::default()));
    assert_eq!((task.retention_ms, task.max_result, task.max_log), (7 * 86_400_000, 1 << 20, 1 << 20));
    assert_eq!((task.expires_ms, task.max_queued, task.output), (None, None, OutputKind::Auto));
    assert!(task.no_new_privs && task.user.is_none() && task.sandbox.is_none() && task.workdir.is_none());
}

#[test]
fn every_key_of_a_task_is_read() {
    let text = r#"
[worker]
isolation = "tree"
state_dir = "state"
[tasks.job]
description = "all keys"
command = ["./bin/job", "-x"]
timeout = "1m"
max_timeout = "1h"
kill_grace = "0s"
expires = "1d"
retries = 3
retry_on = ["exit_code:3", "timeout"]
lost_retries = 0
backoff = { first = "2s", max = "1m" }
no_new_privs = false
env = { MODE = "fast" }
pass_env = ["LANG"]
env_file = ["a.env"]
workdir = "data"
input_schema = "schema.json"
output = "text"
max_result = "2MiB"
max_log = "3MiB"
max_queued = 10
retention = "1h"
route = "/old/job"
"#;
    let config = loaded(text, &[], vec![]);
    let base = &config.base_dir;
    assert_eq!((config.worker.isolation, &config.worker.state_dir), (Isolation::Tree, &base.join("state")));
    let task = &config.tasks["job"];
    assert_eq!(task.program, Program::Command(vec![base.join("bin/job").display().to_string(), "-x".to_owned()]));
    assert_eq!((task.timeout_ms, task.max_timeout_ms, task.kill_grace_ms), (60_000, 3_600_000, 0));
    assert_eq!((task.expires_ms, task.retries, task.lost_retries), (Some(86_400_000), 3, 0));
    assert_eq!(task.retry_on, Some(vec![RetryOn::ExitCode(3), RetryOn::Kind(ErrorKind::Timeout)]));
    assert_eq!(task.backoff, Backoff { first_ms: 2_000, max_ms: 60_000 });
    assert!(!task.no_new_privs);
    assert_eq!((&task.env["MODE"], &task.pass_env), (&"fast".to_owned(), &vec!["LANG".to_owned()]));
    assert_eq!((&task.env_file, &task.workdir), (&vec![base.join("a.env")], &Some(base.join("data"))));
    assert_eq!(task.input_schema, Some(json!({"type": "object", "required": ["n"]})));
    assert_eq!((task.output, task.max_result, task.max_log), (OutputKind::Text, 2 << 20, 3 << 20));
    assert_eq!((task.max_queued, task.retention_ms, task.route.as_deref()), (Some(10), 3_600_000, Some("/old/job")));
    assert_eq!(task.description.as_deref(), Some("all keys"));
}

#[test]
fn a_longest_timeout_below_the_usual_one_bounds_it() {
    let config = loaded("[tasks.job]\ncommand = [\"date\"]\nmax_timeout = \"30s\"\n", &[], vec![]);
    assert_eq!((config.tasks["job"].timeout_ms, config.tasks["job"].max_timeout_ms), (30_000, 30_000));
}
