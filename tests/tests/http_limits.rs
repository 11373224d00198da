//! The listener's bounds: connections, requests, heads, rest between requests.

use dayfly_common::config::ListenerConfig;
use dayfly_tests::{Answer, Api, answer, eventually_async, task};
use reqwest::{Client, Method};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};

const SOON: Duration = Duration::from_secs(10);

async fn api(listener: ListenerConfig) -> Api {
    Api::start_under(listener, vec![task("any")]).await
}

async fn opened(api: &Api, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(api.address()).await.expect("a connection");
    stream.write_all(bytes.as_bytes()).await.expect("sent");
    stream
}

/// What is read to the connection's end.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let _reset = tokio::time::timeout(SOON, stream.read_to_end(&mut text)).await.expect("an end");
    String::from_utf8_lossy(&text).into_owned()
}

async fn exchange(api: &Api, bytes: &str) -> String {
    rest(&mut opened(api, bytes).await).await
}

/// Waits for a job on a connection of its own.
fn waiting(api: &Api, location: &str) -> JoinHandle<Answer> {
    let client = Client::builder().no_proxy().build().expect("a client");
    let url = format!("http://{}{location}", api.address());
    tokio::spawn(async move {
        // The place of a connection that has just ended may not be free yet.
        loop {
            let answer = answer(client.get(&url).header("prefer", "wait=5")).await;
            if answer.status != 503 {
                return answer;
            }
        }
    })
}

#[tokio::test]
async fn half_open_connections_make_room_for_new_ones() {
    let api = api(ListenerConfig { max_connections: 8, ..ListenerConfig::default() }).await;
    let mut first = opened(&api, "GET /v1/jobs HTTP/1.1\r\n").await;
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(opened(&api, "GET /v1/jobs HTTP/1.1\r\n").await);
    }
    let begun = Instant::now();
    eventually_async("a place is made", SOON, || async {
        (api.post("/v1/tasks/any").await.status == 202).then_some(())
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(rest(&mut first).await, "");
}

#[tokio::test]
async fn who_waits_keeps_the_place_and_others_are_told() {
    let api = api(ListenerConfig { max_connections: 3, ..ListenerConfig::default() }).await;
    let made = exchange(&api, "POST /v1/tasks/any HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    let location = made.lines().find_map(|line| line.strip_prefix("location: ")).expect("a location").to_owned();
    let begun = Instant::now();
    let waiting = [waiting(&api, &location), waiting(&api, &location), waiting(&api, &location)];
    let refused = eventually_async("all places are taken", SOON, || async {
        let client = Client::builder().no_proxy().build().expect("a client");
        let answer = answer(client.get(format!("http://{}/v1/tasks", api.address()))).await;
        (answer.status == 503).then_some(answer)
    })
    .await;
    refused.must_be_problem(503, "rate_limited", "as many connections as it takes");
    assert_eq!((refused.header("retry-after"), refused.header("connection")), ("1", "close"));
    let probe = exchange(&api, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(probe.starts_with("HTTP/1.1 200"), "{probe}");
    for one in waiting {
        let answer = one.await.expect("an answer");
        assert_eq!((answer.status, answer.json()["state"].clone()), (200, "queued".into()));
    }
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(api.get("/v1/tasks").await.status, 200);
}

#[tokio::test]
async fn more_requests_than_can_be_worked_on_are_refused_at_once() {
    let api = api(ListenerConfig { max_requests: 2, ..ListenerConfig::default() }).await;
    assert_eq!(api.get("/v1/jobs").await.status, 200);
    api.server.freeze(true);
    let begun = Instant::now();
    let ask = || async { (answer(api.ask(Method::GET, "/v1/jobs")).await, begun.elapsed()) };
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    let health = api.get("/healthz").await;
    api.server.freeze(false);
    let mut answers = [one, two, three];
    answers.sort_by_key(|(_, after)| *after);
    let [(refused, after), (second, slow), (third, _)] = answers;
    refused.must_be_problem(503, "rate_limited", "on 2 requests already");
    assert_eq!(refused.header("retry-after"), "1");
    assert!(after < Duration::from_secs(1) && after < slow, "{after:?} {slow:?}");
    second.must_be_problem(503, "redis_unavailable", "");
    third.must_be_problem(503, "redis_unavailable", "");
    assert_eq!(health.status, 200);
    eventually_async("it works again", SOON, || async { (api.get("/v1/jobs").await.status == 200).then_some(()) })
        .await;
}

#[tokio::test]
async fn who_waits_is_no_work() {
    let api = api(ListenerConfig { max_requests: 4, ..ListenerConfig::default() }).await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    let begun = Instant::now();
    let (mut all, mut halves) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        all.push(waiting(&api, &location));
        halves
            .push(opened(&api, "POST /v1/tasks/any HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n[1").await);
        assert_eq!(api.get("/v1/tasks").await.status, 200);
    }
    assert_eq!(api.post("/v1/tasks/any").await.status, 202);
    assert!(begun.elapsed() < Duration::from_secs(4), "while they wait: {:?}", begun.elapsed());
    for one in all {
        let answer = one.await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn heads_have_a_size() {
    let api = api(ListenerConfig::default()).await;
    let long = format!("/v1/jobs?cursor={}", "x".repeat(9_000));
    api.get(&long).await.must_be_problem(414, "too_large", "8192 are the most");
    let large = answer(api.ask(Method::GET, "/v1/jobs").header("x-large", "x".repeat(40_000))).await;
    large.must_be_problem(431, "too_large", "32768 are the most");
    for extra in [format!("X-Large: {}\r\n", "x".repeat(70_000)), "X-Many: 1\r\n".repeat(101)] {
        let text =
            exchange(&api, &format!("GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{extra}\r\n"))
                .await;
        assert!(text.starts_with("HTTP/1.1 431"), "{text}");
    }
    assert_eq!(api.get("/v1/jobs").await.status, 200);
}

#[tokio::test]
async fn rest_and_trickling_heads_have_their_times() {
    let listener = ListenerConfig { head_timeout_ms: 600, idle_timeout_ms: 1_200, ..ListenerConfig::default() };
    let api = api(listener).await;
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut stream = opened(&api, request).await;
    let mut answer = [0_u8; 15];
    stream.read_exact(&mut answer).await.expect("an answer");
    let begun = Instant::now();
    assert!(rest(&mut stream).await.ends_with("{\"status\":\"ok\"}"));
    let idle = begun.elapsed();
    assert!((Duration::from_millis(1_000)..Duration::from_secs(4)).contains(&idle), "{idle:?}");

    let mut stream = opened(&api, "").await;
    let begun = Instant::now();
    let mut sent = 0;
    for byte in format!("GET /{} HTTP/1.1\r\n", "x".repeat(1_000)).into_bytes() {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        sent += 1;
        let silent = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut answer)).await;
        if silent.is_ok() {
            break;
        }
    }
    let took = begun.elapsed();
    assert!((Duration::from_millis(500)..Duration::from_secs(4)).contains(&took) && sent > 3, "{took:?} {sent}");
}
