//! The access log: who asked for what, and nothing that a client may have meant to keep to itself.

use dayfly_tests::{Daemon, Server, eventually, eventually_async, free_port};
use reqwest::Client;
use serde_json::Value;
use std::{fs, time::Duration};

const PATIENCE: Duration = Duration::from_secs(20);
const SECRET: &str = "xylophone-4711";

#[tokio::test]
async fn a_line_for_each_request_and_no_word_of_a_client() {
    let server = Server::start();
    let dir = tempfile::tempdir().expect("a folder");
    let text = format!(
        "[redis]\nurl = \"{}\"\n[api]\naccess_log = true\ntrusted_proxies = [\"127.0.0.1\"]\n[tasks.any]\ncommand = [\"true\"]\n",
        server.url()
    );
    fs::write(dir.path().join("dayfly.toml"), text).expect("a configuration");
    let url = format!("http://127.0.0.1:{}", free_port());
    // At debug: not only the access log keeps silent.
    let args = ["api", "--log-format", "json", "--listen", url.trim_start_matches("http://")];
    let daemon = Daemon::start("api", dir.path(), args);
    let client = Client::builder().no_proxy().build().expect("a client");
    eventually_async("it answers", PATIENCE, || async {
        client.get(format!("{url}/readyz")).send().await.ok().map(drop)
    })
    .await;

    let secret_line = |name: &'static str| (name, format!("Bearer {SECRET}"));
    let mut sent = Vec::new();
    for (number, (method, path, body)) in [
        ("POST", "/v1/tasks/any?priority=1".to_owned(), format!("{{\"password\": \"{SECRET}\"}}")),
        ("POST", format!("/v1/tasks/any?timeout={SECRET}"), "1".to_owned()),
        ("POST", "/v1/tasks/any".to_owned(), format!("{{\"{SECRET}")),
        ("GET", format!("/v1/jobs?cursor={SECRET}"), String::new()),
        ("GET", format!("/nowhere?{SECRET}={SECRET}"), String::new()),
        ("PUT", format!("/v1/tasks?{SECRET}"), SECRET.to_owned()),
        ("HEAD", "/v1/tasks".to_owned(), String::new()),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("request-{number}");
        let mut request = client.request(method.parse().expect("a method"), format!("{url}{path}")).body(body);
        for (name, value) in ["authorization", "cookie", "idempotency-key", "prefer", "user-agent"].map(secret_line) {
            request = request.header(name, value);
        }
        request = request.header("content-type", "application/json").header("x-request-id", &id);
        let answer = request.header("x-forwarded-for", format!("{SECRET}, 192.0.2.{number}")).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.expect("a body").len();
        sent.push((id, method, path.split('?').next().unwrap_or_default().to_owned(), status, bytes, number));
    }
    let lines = || -> Vec<Value> {
        let output = daemon.output();
        output
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Value| line["target"] == "dayfly::access")
            .collect()
    };
    for (id, method, path, status, bytes, number) in sent {
        let line = eventually(&format!("the line of {id}"), PATIENCE, || {
            lines().into_iter().find(|line| line["request_id"] == id.as_str())
        });
        assert_eq!(line["level"], "INFO");
        assert_eq!((line["method"].as_str(), line["path"].as_str()), (Some(method), Some(path.as_str())), "{line}");
        assert_eq!(
            (line["status"].as_u64(), line["bytes"].as_u64()),
            (Some(status.into()), Some(bytes as u64)),
            "{line}"
        );
        assert_eq!(line["client"], format!("192.0.2.{number}"), "{line}");
        assert!(line["ms"].as_u64().is_some_and(|ms| ms < 20_000), "{line}");
        let keys: Vec<&String> = line.as_object().expect("an object").keys().collect();
        let known = [
            "bytes",
            "client",
            "level",
            "message",
            "method",
            "ms",
            "path",
            "request_id",
            "status",
            "target",
            "timestamp",
        ];
        assert!(keys.iter().all(|key| known.contains(&key.as_str())), "{keys:?}");
    }
    let output = daemon.output();
    assert!(!output.contains(SECRET), "{:?}", output.lines().find(|line| line.contains(SECRET)));
}
