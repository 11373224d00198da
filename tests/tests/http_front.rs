//! What holds for every request: ids, methods, paths, hosts, slow clients, shutdown.

use dayfly_tests::{Api, answer, task};
use reqwest::Method;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

async fn api() -> Api {
    Api::start(vec![task("any")]).await
}

/// Sends bytes as they are and reads to the end of the connection.
async fn raw(api: &Api, request: &str) -> String {
    let mut stream = TcpStream::connect(api.address()).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.expect("an end");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let api = api().await;
    let one = api.get("/healthz").await.header("x-request-id").to_owned();
    let other = api.get("/nowhere").await.header("x-request-id").to_owned();
    assert!(one.len() == 36 && other.len() == 36 && one != other, "{one} {other}");
    let given = answer(api.ask(Method::GET, "/v1/jobs/x").header("x-request-id", "mine-1")).await;
    given.must_be_problem(400, "bad_id", "UUID");
    assert_eq!(given.member("request_id"), "mine-1");
    let bad = answer(api.ask(Method::GET, "/healthz").header("x-request-id", "a b\"c")).await;
    assert_eq!(bad.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn paths_that_are_not() {
    let api = api().await;
    for path in ["/", "/v1", "/v1/job", "/v1/jobs/", "/v2/jobs", "/v1/jobs/x/y/z"] {
        api.get(path).await.must_be_problem(404, "not_found", "/v1/jobs");
        api.post(path).await.must_be_problem(404, "not_found", "/v1/tasks");
    }
}

#[tokio::test]
async fn methods_that_are_not() {
    let api = api().await;
    for (method, path, allow) in [
        (Method::PUT, "/v1/tasks/any", "GET, HEAD, POST, DELETE, OPTIONS"),
        (Method::POST, "/v1/tasks", "GET, HEAD, OPTIONS"),
        (Method::PUT, "/v1/workers", "GET, HEAD, OPTIONS"),
        (Method::GET, "/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90/cancel", "POST, OPTIONS"),
        (Method::POST, "/healthz", "GET, HEAD, OPTIONS"),
    ] {
        let refused = answer(api.ask(method.clone(), path)).await;
        refused.must_be_problem(405, "method_not_allowed", method.as_str());
        assert_eq!(refused.header("allow"), allow, "{method} {path}");
        let options = answer(api.ask(Method::OPTIONS, path)).await;
        assert_eq!((options.status, options.header("allow"), options.body.len()), (204, allow, 0), "{path}");
    }
    let text = raw(&api, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 204"), "{text}");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let api = api().await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    for path in [location.as_str(), "/v1/jobs", "/v1/tasks", "/healthz", "/nowhere"] {
        let get = api.get(path).await;
        let head = answer(api.ask(Method::HEAD, path)).await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn only_names_of_loopback_are_answered() {
    let api = api().await;
    for host in ["evil.example", "10.0.0.1:8080", "localhost.evil.example"] {
        for method in [Method::GET, Method::POST] {
            let refused = answer(api.ask(method, "/v1/tasks/any").header("host", host)).await;
            refused.must_be_problem(403, "forbidden", "answers only to names of loopback");
        }
    }
    for host in ["localhost", "127.0.0.1:99", "[::1]:8080"] {
        assert_eq!(answer(api.ask(Method::POST, "/v1/tasks/any").header("host", host)).await.status, 202, "{host}");
    }
    assert_eq!(answer(api.ask(Method::GET, "/healthz").header("host", "10.0.0.1")).await.status, 200);
    let text = raw(&api, "GET /v1/jobs HTTP/1.0\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.0 403"), "{text}");
}

#[tokio::test]
async fn a_foreign_page_changes_nothing() {
    let api = api().await;
    let own = format!("http://{}", api.address());
    for path in ["/v1/tasks/any", "/v1/tasks/any/pause", "/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90/cancel"] {
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
            let refused = answer(api.ask(Method::POST, path).header("origin", origin)).await;
            refused.must_be_problem(403, "forbidden", "not this server");
        }
    }
    assert_eq!(answer(api.ask(Method::POST, "/v1/tasks/any").header("origin", own)).await.status, 202);
    assert_eq!(answer(api.ask(Method::GET, "/v1/jobs").header("origin", "https://evil.example")).await.status, 200);
    assert_eq!(api.get("/v1/jobs").await.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn slow_clients_are_dropped_and_quick_ones_served() {
    let api = api().await;
    let begun = Instant::now();
    let head = "POST /v1/tasks/any HTTP/1.1\r\nHost: localhost\r\n";
    let slow_head = raw(&api, head);
    let slow_body = format!("{head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n[1");
    let slow_body = raw(&api, &slow_body);
    let quick = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(api.post("/v1/tasks/any").await.status, 202);
        begun.elapsed()
    };
    let (no_head, no_body, quick) = tokio::join!(slow_head, slow_body, quick);
    assert!(no_head.is_empty() || no_head.starts_with("HTTP/1.1 408"), "{no_head}");
    assert_eq!(no_body, "");
    assert!(quick < Duration::from_secs(2), "{quick:?}");
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    assert_eq!(api.get("/v1/jobs").await.json()["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_shutdown_answers_who_waits_and_takes_nobody_more() {
    let mut api = api().await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    let waiting = tokio::spawn(answer(api.ask(Method::GET, &location).header("prefer", "wait=5")));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    api.stop();
    api.stopped().await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let answer = waiting.await.expect("an answer");
    assert_eq!((answer.status, answer.json()["state"].clone()), (200, "queued".into()));
    assert!(TcpStream::connect(api.address()).await.is_err());
}

#[tokio::test]
async fn a_client_that_never_ends_does_not_keep_the_server() {
    let mut api = api().await;
    let mut stream = TcpStream::connect(api.address()).await.expect("a connection");
    let head = "POST /v1/tasks/any HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n[1";
    stream.write_all(head.as_bytes()).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    api.stop();
    api.stopped().await;
    assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());
}
