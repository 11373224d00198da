//! Clients that begin and do not go on, in numbers: they are dropped, and others are served meanwhile.

use dayfly_tests::{Daemon, Installation, Pair, connect_tls, free_port};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use reqwest::Client;
use std::{
    fs,
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

const HEAD: &str = "POST /v1/tasks/any HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
const TASKS: &str = "[tasks.any]\ncommand = [\"true\"]\n";
/// Heads have 15 s, bodies 10 s of silence, handshakes 15 s.
const BOUND: Duration = Duration::from_secs(25);

/// Opens a connection, sends some bytes and waits until the server ends it.
async fn half_open(address: SocketAddr, bytes: Vec<u8>) -> Duration {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let begun = Instant::now();
    stream.write_all(&bytes).await.expect("sent");
    let mut answer = Vec::new();
    // A reset is an end, too.
    let read = tokio::time::timeout(BOUND, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "still open after {BOUND:?}: {address} {:?}", String::from_utf8_lossy(&bytes));
    assert!(answer.len() < 10, "answered: {}", String::from_utf8_lossy(&answer));
    begun.elapsed()
}

/// Submits and reads a job over and over; gives how long each request took.
async fn honest(url: String, stop: CancellationToken) -> Vec<Duration> {
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().expect("a client");
    let mut took = Vec::new();
    while !stop.is_cancelled() {
        let begun = Instant::now();
        let answer = client.post(format!("{url}/v1/tasks/any")).json(&[1]).send().await.expect("an answer");
        assert_eq!(answer.status(), 202);
        let location = answer.headers()["location"].to_str().expect("text").to_owned();
        took.push(begun.elapsed());
        let begun = Instant::now();
        assert_eq!(client.get(format!("{url}{location}")).send().await.expect("an answer").status(), 200);
        took.push(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    took
}

/// A handshake and a request on a connection of its own, over and over.
async fn honest_tls(address: SocketAddr, pair: Pair, stop: CancellationToken) -> Vec<Duration> {
    let mut took = Vec::new();
    while !stop.is_cancelled() {
        let begun = Instant::now();
        let mut stream = connect_tls(address, &pair).await.expect("a handshake");
        let request = format!("{HEAD}Content-Length: 1\r\nConnection: close\r\n\r\n1");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
        took.push(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    took
}

fn start_tls(dir: &Path, redis: &str) -> (Daemon, SocketAddr, Pair) {
    let pair = Pair::new();
    pair.write(dir);
    let text = format!("[redis]\nurl = \"{redis}\"\n[api]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n{TASKS}");
    fs::write(dir.join("tls.toml"), text).expect("a configuration");
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let daemon = Daemon::start("tls", dir, ["api", "--config", "tls.toml", "--listen", &address.to_string()]);
    (daemon, address, pair)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_half_open_sockets_are_dropped_while_others_are_served() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("the bound of open files");
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(8_192), hard).expect("room for a thousand sockets");
    let rig = Installation::start(TASKS).await;
    let plain: SocketAddr = rig.url.trim_start_matches("http://").parse().expect("an address");
    let (_tls, tls, pair) = start_tls(rig.dir(), &rig.server.url());
    dayfly_tests::eventually_async("TLS is spoken", Duration::from_secs(20), || async {
        connect_tls(tls, &pair).await.ok().map(drop)
    })
    .await;

    let stop = CancellationToken::new();
    let mut honest_ones = JoinSet::new();
    for _ in 0..3 {
        honest_ones.spawn(honest(rig.url.clone(), stop.clone()));
    }
    honest_ones.spawn(honest_tls(tls, pair, stop.clone()));
    let mut half = JoinSet::new();
    for number in 0..1_000_usize {
        let (address, bytes) = match number % 10 {
            0 => (plain, Vec::new()),
            1..=3 => (plain, HEAD.into()),
            4..=6 => (plain, format!("{HEAD}Content-Length: 9\r\n\r\n[1").into()),
            7..=8 => (tls, Vec::new()),
            // The first bytes of a ClientHello that never comes whole.
            _ => (tls, vec![22, 3, 1, 2, 0, 1, 0]),
        };
        half.spawn(half_open(address, bytes));
    }
    let dropped = half.join_all().await;
    stop.cancel();
    let mut took: Vec<Duration> = honest_ones.join_all().await.concat();
    took.sort();

    let (last, p99) = (dropped.iter().max().expect("some"), took[took.len() * 99 / 100]);
    println!("{} dropped, the last after {last:?}", dropped.len());
    println!("{} requests: p50 {:?} p99 {p99:?} max {:?}", took.len(), took[took.len() / 2], took[took.len() - 1]);
    assert_eq!(dropped.len(), 1_000);
    assert!(took.len() > 200 && p99 < Duration::from_secs(1), "{} requests, p99 {p99:?}", took.len());
}
