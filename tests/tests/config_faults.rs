//! Every fault of a configuration is reported at once, with its file and line, and says what would be right.

use dayfly_common::config::{Flag, Inputs, load};
use std::{fs, path::Path};
use tempfile::TempDir;

fn written(text: &str) -> (TempDir, Inputs) {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("dayfly.toml");
    fs::write(&file, text).expect("written");
    let inputs = Inputs { file: Some(file), runs_tasks: true, ..Inputs::default() };
    (dir, inputs)
}

/// The report with the folder's own name taken out.
fn report(inputs: &Inputs, dir: &Path) -> Vec<String> {
    let faults = load(inputs).expect_err("a faulty configuration");
    faults.to_string().replace(&format!("{}/", dir.display()), "").lines().map(str::to_owned).collect()
}

#[test]
fn all_faults_of_a_file_and_its_surroundings_come_in_one_report() {
    let (dir, mut inputs) = written(
        r#"[api]
listen = "8080"
max_body = 1048576

[worker]
heartbeat = "2s"
lease_ttl = "5s"
slots = "many"
memory = "8"

[tasks.factor]
timout = "60s"
timeout = 60
retries = -1
input_schema = { type = "objekt" }

[tasks.report]
command = ["python3", "report.py"]
timeout = "2m"
max_timeout = "1m"
route = "/v1/report"
env_file = "secrets.env"
webhook = "report"
python = "report"
interpreter = 3

[tasks.one]
command = "sh -c date"
route = "/do"

[tasks.two]
command = ["date"]
route = "/do"

[tasks.three]
command = ["date"]
route = "/do"
output = "xml"
env = { DAYFLY_JOB_ID = "1" }
backoff = "soon"

[tasks."a b"]
command = ["date"]

[worker2]
[tasks.mod]
python_module = "a b"
[tasks.more]
python_module = "algo"
route = "/x"
"#,
    );
    inputs.variables = vec![
        ("DAYFLY_API_LISTN".to_owned(), "127.0.0.1:1".to_owned()),
        ("DAYFLY_REDIS_URL".to_owned(), "redis://:hunter2@".to_owned()),
        ("DAYFLY_WORKER_METRICS_LISTEN".to_owned(), "x".to_owned()),
    ];
    inputs.flags = vec![Flag { name: "--slots", setting: ("worker", "slots"), value: "0".to_owned() }];
    let expected = [
        "dayfly.toml:2: [api] listen: `8080` is not an address with a port: write it like 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080",
        "dayfly.toml:3: [api] max_body: `1048576` is not a size: it needs a unit, for example 64KiB, 256MiB or 8GiB",
        "dayfly.toml:7: [worker] lease_ttl: a lease of 5000ms is shorter than three heartbeats of 2000ms: one lost heartbeat would cost the job",
        "dayfly.toml:8: [worker] slots: must be a whole number from 1 to 1024, not a text",
        "dayfly.toml:9: [worker] memory: `8` is not a size: it needs a unit, for example 64KiB, 256MiB or 8GiB",
        "dayfly.toml:11: [tasks.factor] has no command: say what it runs, command = [\"python3\", \"factor.py\"], or python = \"module:function\"",
        "dayfly.toml:12: unknown key `timout` in [tasks.factor]; did you mean `timeout`?",
        "dayfly.toml:13: [tasks.factor] timeout: `60` is not a duration: it needs a unit, for example 250ms, 30s, 10m, 2h or 7d",
        "dayfly.toml:14: [tasks.factor] retries: must be a whole number from 0 to 1000000, not -1",
        "dayfly.toml:15: [tasks.factor] input_schema: is not a JSON Schema: `/type`: \"objekt\" is not valid under any of the schemas listed in the 'anyOf' keyword",
        "dayfly.toml:19: [tasks.report] timeout: 120000ms is longer than max_timeout, 60000ms",
        "dayfly.toml:21: [tasks.report] route: `/v1/report` clashes with Dayfly's own /v1",
        "dayfly.toml:22: [tasks.report] env_file: secrets.env cannot be read: No such file or directory (os error 2)",
        "dayfly.toml:23: `webhook` in [tasks.report] is not supported yet by this version",
        "dayfly.toml:24: [tasks.report] python: `report` names no function: write python = \"module:function\"",
        "dayfly.toml:25: [tasks.report] interpreter: must be a text in quotes, not a number",
        "dayfly.toml:28: [tasks.one] command: must be an array of texts, not a text",
        "dayfly.toml:37: [tasks.three] route: `/do` is already the route of `two`",
        "dayfly.toml:38: [tasks.three] output: must be \"auto\" or \"json\" or \"text\" or \"bytes\", not \"xml\"",
        "dayfly.toml:39: [tasks.three] env: `DAYFLY_JOB_ID` is Dayfly's own",
        "dayfly.toml:40: [tasks.three] backoff: `soon` is not a duration: write it like 250ms, 30s, 10m, 1h30m or 7d",
        "dayfly.toml:42: `a b` cannot be a task's name: use 1 to 64 letters, digits, `_`, `-` or `.`, not beginning with `-` or `.`",
        "dayfly.toml:45: unknown section `worker2`; did you mean `worker`?",
        "dayfly.toml:47: [tasks.mod] python_module: `a b` names no module: write python_module = \"algo\"",
        "dayfly.toml:49: [tasks.more] python_module: the section stands for all tasks of its module, of which each would have this `route`",
        "DAYFLY_API_LISTN: no such variable; did you mean `DAYFLY_API_LISTEN`?",
        "DAYFLY_REDIS_URL: is not a Redis URL: write redis://HOST:6379/0, redis://USER:PASSWORD@HOST:6379/0, redis+unix:///PATH/TO/SOCKET, redis-sentinel://HOST:26379,HOST:26379/0?master=NAME or redis-cluster://HOST:6379,HOST:6379",
        "DAYFLY_WORKER_METRICS_LISTEN: `x` is not an address with a port: write it like 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:8080",
        "--slots: must be a whole number from 1 to 1024, not 0",
    ];
    let found = report(&inputs, dir.path());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn a_broken_file_is_told_by_its_syntax_errors_alone() {
    let (dir, inputs) = written("[api\nlisten = \"x\"\n\n[worker]\nslots = = 3\n");
    let found = report(&inputs, dir.path());
    assert!(found.len() >= 2 && found[0].starts_with("dayfly.toml:1: "), "{found:?}");
    assert!(found.iter().any(|line| line.starts_with("dayfly.toml:5: ")), "{found:?}");
}

#[test]
fn a_workers_memory_is_something_that_can_be_counted() {
    for (given, why) in [("0B", "must be more than nothing"), ("9PiB", "must be at most 8PiB")] {
        let (dir, inputs) = written(&format!("[worker]\nmemory = \"{given}\"\n"));
        assert_eq!(report(&inputs, dir.path()), [format!("dayfly.toml:2: [worker] memory: {why}")]);
    }
}

#[test]
fn a_listeners_faults_come_with_the_others() {
    let (dir, mut inputs) = written(
        r#"[api]
max_connections = 0
max_requests = "many"
head_timeout = "10"
idle_timeout = "2h"
tls_cert = "cert.pem"
trusted_proxies = ["10.0.0.0/8", "10.0.0.0/99", "proxy"]
hosts = ["https://dayfly.example", "dayfly.example:80"]
cors_origins = ["*", "https://app.example/"]
access_log = "yes"
"#,
    );
    inputs.variables = vec![
        ("DAYFLY_API_CORS_ORIGINS".to_owned(), "https://app.example, null".to_owned()),
        ("DAYFLY_API_HOSTS".to_owned(), "*".to_owned()),
    ];
    let network = "is not a network or an address: write it like 10.0.0.0/8, fd00::/8 or 192.0.2.7";
    let host = "write a name like dayfly.example or an address like [fd00::1]";
    let origin = "name each origin whole, like https://app.example";
    let expected = [
        "dayfly.toml:2: [api] max_connections: must be a whole number from 1 to 1000000, not 0".to_owned(),
        "dayfly.toml:3: [api] max_requests: must be a whole number from 1 to 1000000, not a text".to_owned(),
        "dayfly.toml:4: [api] head_timeout: `10` is not a duration: it needs a unit, for example 250ms, 30s, 10m, 2h or 7d"
            .to_owned(),
        "dayfly.toml:5: [api] idle_timeout: must be from 100ms to 1h".to_owned(),
        "dayfly.toml:6: [api] tls_cert: needs `tls_key`, the file of its private key, beside it".to_owned(),
        format!("dayfly.toml:7: [api] trusted_proxies: `10.0.0.0/99` {network}; `proxy` {network}"),
        format!(
            "dayfly.toml:8: [api] hosts: `https://dayfly.example` is a URL, not a host: {host}; `dayfly.example:80` names a \
             port (any port is meant) or lacks brackets: {host}"
        ),
        format!(
            "dayfly.toml:9: [api] cors_origins: `*` would let the pages of strangers read and submit jobs from their \
             visitors' browsers: {origin}; `https://app.example/` has more than scheme, host and port: {origin}"
        ),
        "dayfly.toml:10: [api] access_log: must be true or false, without quotes, not a text".to_owned(),
        format!("DAYFLY_API_CORS_ORIGINS: `null` is the origin of any sandboxed page, a stranger's too: {origin}"),
        format!(
            "DAYFLY_API_HOSTS: `*` would let any web page's own name point at this server, which is what `hosts` is to \
             prevent: {host}"
        ),
    ];
    assert_eq!(report(&inputs, dir.path()), expected);
}

#[test]
fn a_missing_file_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let inputs = Inputs { file: Some(dir.path().join("dayfly.toml")), ..Inputs::default() };
    assert_eq!(report(&inputs, dir.path()), ["dayfly.toml: cannot be read: No such file or directory (os error 2)"]);
}

#[test]
fn what_only_the_worker_needs_is_not_asked_of_an_api_host() {
    let text = "[tasks.a]\ncommand = [\"date\"]\nenv_file = \"secrets.env\"\nworkdir = \"data\"\n";
    let (dir, mut inputs) = written(text);
    assert_eq!(report(&inputs, dir.path()).len(), 2);
    inputs.runs_tasks = false;
    assert!(load(&inputs).is_ok());
}
