//! A server that is told to end fails no request: over connections that are kept, plain and by TLS.

use dayfly_tests::{Daemon, Pair, Server, connect_tls, eventually_async, free_port};
use nix::sys::signal::Signal;
use std::{
    fs,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

const PATIENCE: Duration = Duration::from_secs(20);
const CLIENTS: usize = 8;

/// Submits over one connection, one request after another, until an answer says that the connection ends. Gives how many
/// were answered.
async fn ask_on<S: AsyncReadExt + AsyncWriteExt + Unpin>(mut stream: S) -> usize {
    let request = "POST /v1/tasks/any HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1";
    for answered in 1.. {
        stream.write_all(request.as_bytes()).await.expect("the connection takes a request");
        let mut text = Vec::new();
        let head = loop {
            let read = stream.read_buf(&mut text).await.expect("an answer");
            assert!(read > 0, "closed after {answered} requests without an answer to the last");
            if let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let lines = String::from_utf8_lossy(&text[..head]).to_lowercase();
        assert!(lines.starts_with("http/1.1 202"), "{lines}");
        let length = lines.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).expect("a length");
        let whole = head + length.parse::<usize>().expect("a number");
        while text.len() < whole {
            assert!(stream.read_buf(&mut text).await.expect("the rest") > 0, "an answer that breaks off");
        }
        if lines.contains("connection: close") {
            let end = stream.read_buf(&mut text).await.expect("an end without a reset");
            assert_eq!(end, 0);
            return answered;
        }
    }
    0
}

async fn drains(tls: bool) {
    let server = Server::start();
    let dir = tempfile::tempdir().expect("a folder");
    let pair = Pair::new();
    pair.write(dir.path());
    let keys = if tls { "[api]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n" } else { "" };
    let text = format!("[redis]\nurl = \"{}\"\n{keys}[tasks.any]\ncommand = [\"true\"]\n", server.url());
    fs::write(dir.path().join("dayfly.toml"), text).expect("a configuration");
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut daemon = Daemon::start("api", dir.path(), ["api", "--listen", &address.to_string()]);
    eventually_async("it listens", PATIENCE, || async { TcpStream::connect(address).await.ok().map(drop) }).await;

    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        if tls {
            let stream = connect_tls(address, &pair).await.expect("a handshake");
            clients.spawn(ask_on(stream));
        } else {
            let stream = TcpStream::connect(address).await.expect("a connection");
            clients.spawn(ask_on(stream));
        }
    }
    // One that came and says nothing holds up nobody.
    let mut silent = TcpStream::connect(address).await.expect("a connection");
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    if !tls {
        eventually_async("they are at work", PATIENCE, || async {
            let page = http.get(format!("http://{address}/v1/jobs?limit=500")).send().await.ok()?.text().await.ok()?;
            (page.matches("\"id\"").count() >= 100).then_some(())
        })
        .await;
    } else {
        eventually_async("they are at work", PATIENCE, || async {
            (daemon.output().matches("answered POST").count() >= 100).then_some(())
        })
        .await;
    }
    let told = Instant::now();
    daemon.signal(Signal::SIGTERM);
    let answered = clients.join_all().await;
    assert!(daemon.wait(PATIENCE).success());
    assert!(told.elapsed() < Duration::from_secs(4), "{:?}", told.elapsed());
    assert!(answered.iter().sum::<usize>() >= 100, "{answered:?}");
    let _reset = silent.read(&mut [0]).await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_over_kept_connections_are_all_answered() {
    drains(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_over_tls_are_all_answered() {
    drains(true).await;
}
