//! TLS: spoken, its certificate renewed without a connection lost, and refused at the start in words.

use dayfly_tests::{Daemon, Pair, Server, connect_tls, dayfly_binary, eventually, eventually_async, free_port};
use nix::sys::signal::Signal;
use std::{fs, io, net::SocketAddr, path::Path, process::Command, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PATIENCE: Duration = Duration::from_secs(20);
const REQUEST: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const ANSWER: &str = "{\"status\":\"ok\"}";
const KEPT: &str = "the TLS certificate before is kept";

/// Asks on a connection and reads the answer.
async fn ask<S: AsyncReadExt + AsyncWriteExt + Unpin>(stream: &mut S) -> io::Result<String> {
    stream.write_all(REQUEST.as_bytes()).await?;
    let mut text = Vec::new();
    while !text.ends_with(ANSWER.as_bytes()) {
        if stream.read_buf(&mut text).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn configured(redis: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let text = format!("[redis]\nurl = \"{redis}\"\n[api]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n");
    fs::write(dir.path().join("dayfly.toml"), text).expect("a configuration");
    dir
}

async fn shows(address: SocketAddr, pair: &Pair) {
    eventually_async("the certificate is shown", PATIENCE, || async {
        connect_tls(address, pair).await.ok().map(drop)
    })
    .await;
}

#[tokio::test]
async fn a_certificate_is_renewed_without_a_connection_lost() {
    let server = Server::start();
    let dir = configured(&server.url());
    let (first, second, third) = (Pair::new(), Pair::new(), Pair::new());
    first.write(dir.path());
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let daemon = Daemon::start("api", dir.path(), ["api", "--listen", &address.to_string()]);
    shows(address, &first).await;
    let mut kept = connect_tls(address, &first).await.expect("a handshake");
    assert!(ask(&mut kept).await.expect("an answer").starts_with("HTTP/1.1 200"));
    let mut plain = TcpStream::connect(address).await.expect("a connection");
    assert!(ask(&mut plain).await.is_err(), "plain HTTP is not answered");

    second.write(dir.path());
    shows(address, &second).await;
    assert!(connect_tls(address, &first).await.is_err(), "the old one is no longer shown");
    assert!(ask(&mut kept).await.is_ok(), "who came by the old one stays");

    fs::write(dir.path().join("cert.pem"), &third.cert).expect("written");
    let times = || daemon.output().matches(KEPT).count();
    eventually("the pair that does not match is told of", PATIENCE, || (times() == 1).then_some(()));
    assert!(daemon.output().contains("key.pem: is not the key of the first certificate in "), "which is why");
    shows(address, &second).await;
    daemon.signal(Signal::SIGHUP);
    eventually("SIGHUP reads it again at once", PATIENCE, || (times() == 2).then_some(()));
    third.write(dir.path());
    daemon.signal(Signal::SIGHUP);
    shows(address, &third).await;
    assert!(ask(&mut kept).await.is_ok());
    assert!(!daemon.output().contains("PRIVATE KEY"));
}

/// What a start with these files ends with.
fn refusal(dir: &Path) -> (Option<i32>, String) {
    let started = Command::new(dayfly_binary()).args(["api", "--listen", "127.0.0.1:0"]).current_dir(dir).output();
    let started = started.expect("dayfly starts");
    (started.status.code(), String::from_utf8_lossy(&started.stderr).into_owned())
}

#[test]
fn a_start_without_a_good_pair_is_refused_in_words() {
    let dir = configured("redis://127.0.0.1:1/0");
    let (one, other) = (Pair::new(), Pair::new());
    let write = |cert: &str, key: &str| {
        fs::write(dir.path().join("cert.pem"), cert).expect("written");
        fs::write(dir.path().join("key.pem"), key).expect("written");
    };
    let mut said = vec![(refusal(dir.path()), "cert.pem: cannot be read: No such file")];
    for (cert, key, says) in [
        (one.cert.as_str(), other.key.as_str(), "key.pem: is not the key of the first certificate in "),
        ("", &one.key, "cert.pem: holds no certificate"),
        (&one.cert, "nonsense", "key.pem: holds no private key that can be read"),
        (&one.key, &one.key, "cert.pem: holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &one.key, "cannot be used: "),
    ] {
        write(cert, key);
        said.push((refusal(dir.path()), says));
    }
    for ((code, text), says) in said {
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(&format!("{}/", dir.path().display())) && text.contains(says), "{says}: {text}");
    }
}
