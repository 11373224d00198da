//! The server in the middle.

use crate::examined::{TASK, examine, look};
use dayfly_tests::{Backend, Cluster, Sentinels, Server, free_port, queue, rig::Hand};
use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

#[test]
fn settings_that_lose_jobs_are_found() {
    let good = ["--maxmemory", "100mb"];
    for (settings, check, level, words) in [
        (&["--appendonly", "no"][..], "redis.persistence", "fail", &["lost", "appendonly yes"][..]),
        (&["--appendfsync", "no"], "redis.persistence", "warn", &["appendfsync everysec"]),
        (&["--maxmemory-policy", "allkeys-lru"], "redis.eviction", "fail", &["drops keys", "noeviction"]),
        (&["--maxmemory", "0"], "redis.memory", "warn", &["no maxmemory", "Set `maxmemory`"]),
        (&["--maxmemory", "700kb"], "redis.memory", "fail", &["used", "503"]),
        (&[], "redis.version", "ok", &[]),
        (&[], "redis.persistence", "ok", &["loses nothing"]),
        (&[], "redis.eviction", "ok", &["noeviction"]),
        (&[], "redis.memory", "ok", &["of 100 MiB"]),
        (&[], "redis.latency", "ok", &["median"]),
        (&[], "redis.clock", "ok", &["the server"]),
        (&[], "redis.rights", "ok", &[]),
        (&[], "redis.failover", "ok", &["one server"]),
    ] {
        let server = Server::start_with(&[&good[..], settings].concat());
        look(&server.url(), TASK).must_have(check, level, words);
    }
}

#[test]
fn a_server_that_is_away_or_closed_is_told() {
    let url = format!("redis://:hunter2@127.0.0.1:{}/0", free_port());
    let away = look(&url, TASK);
    away.must_have("redis.reachable", "fail", &["cannot be reached", "Start the server"]);
    assert!(!format!("{:?}", away.findings).contains("hunter2"));
    assert!(!away.of("host.isolation").is_empty(), "the rest is looked at all the same");
    let server = Server::start();
    let url = format!("redis://ada:wrong@127.0.0.1:{}/0", server.port());
    look(&url, TASK).must_have("redis.reachable", "fail", &["password"]);
}

#[tokio::test]
async fn each_missing_right_is_named() {
    let server = Server::start();
    let hand = Hand::of(&server.url()).await;
    queue(&server.url()).ensure_library().await.expect("the library");
    let url = format!("redis://app:word@127.0.0.1:{}/0", server.port());
    for (rules, level, words) in [
        ("~dayfly:* &dayfly:* +@all -info", "warn", &["`info`", "another server", "+info"][..]),
        ("~dayfly:* &dayfly:* +@all -config", "warn", &["config|get", "+config|get"]),
        ("~dayfly:* &dayfly:* +@all -blpop", "fail", &["`blpop`", "idle workers", "+blpop"]),
        ("~dayfly:* &dayfly:* +@all -fcall", "fail", &["`fcall`", "+fcall"]),
        ("~dayfly:* +@all", "fail", &["`publish`", "channels", "&dayfly:*"]),
        ("~other:* &dayfly:* +@all", "fail", &["keys", "~dayfly:*"]),
    ] {
        let all: Vec<&str> =
            ["ACL", "SETUSER", "app", "reset", "on", ">word"].into_iter().chain(rules.split(' ')).collect();
        hand.send::<()>(&all).await.expect("a user");
        look(&url, TASK).must_have("redis.rights", level, words);
    }
    hand.send::<()>(&["ACL", "SETUSER", "app", "reset", "on", ">word", "~dayfly:*", "&dayfly:*", "+@all"])
        .await
        .expect("a user");
    look(&url, TASK).must_have("redis.rights", "ok", &[]);
}

#[tokio::test]
async fn another_library_is_told_and_left_alone() {
    let server = Server::start();
    look(&server.url(), TASK).must_have("redis.library", "warn", &["not loaded"]);
    let hand = Hand::of(&server.url()).await;
    let count = ["FUNCTION", "LIST"];
    assert!(hand.get::<Vec<redis::Value>>(&count).await.is_empty(), "to look loads nothing");
    let old = "#!lua name=dayfly_v1\nredis.register_function{ function_name = 'dayfly_version', \
               callback = function() return 1 end, flags = { 'no-writes' } }";
    hand.send::<String>(&["FUNCTION", "LOAD", old]).await.expect("an old library");
    let found = examine(&server.url(), TASK, &[]);
    found.must_have("redis.library", "warn", &["revision 1", "Start an API or a worker"]);
    assert!(
        !found.findings.iter().any(|finding| finding["check"].as_str().is_some_and(|name| name.starts_with("trial")))
    );
    assert_eq!(hand.get::<i64>(&["FCALL_RO", "dayfly_version", "1", "dayfly:{0}:"]).await, 1, "as it was");
    hand.send::<()>(&["FUNCTION", "FLUSH"]).await.expect("none");
    queue(&server.url()).ensure_library().await.expect("the library");
    look(&server.url(), TASK).must_have("redis.library", "ok", &["revision"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_is_held_against_the_lease() {
    let set = Sentinels::start().await;
    let url = set.url();
    let slow = format!("[worker]\nlease_ttl = \"5s\"\n{TASK}");
    look(&url, &slow).must_have("redis.failover", "warn", &["down-after-milliseconds", "run again", "lease_ttl"]);
    look(&url, TASK).must_have("redis.failover", "ok", &["3 of 3 sentinels"]);
    let cluster = Cluster::start().await;
    let url = cluster.url();
    look(&url, &slow).must_have("redis.failover", "warn", &["cluster-node-timeout"]);
    look(&url, TASK).must_have("redis.failover", "ok", &["cluster-node-timeout"]);
}

/// Carries bytes to and from a server; each answer `late`, and those of TIME a minute in the past.
fn carry(server: u16, late: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = TcpStream::connect(("127.0.0.1", server)).expect("the server");
            let (mut from, mut to) = (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            thread::spawn(move || shifted(server, client, late));
        }
    });
    port
}

fn shifted(mut server: TcpStream, mut client: TcpStream, late: Duration) {
    let mut bytes = vec![0; 1 << 20];
    while let Ok(length @ 1..) = server.read(&mut bytes) {
        let answer = &mut bytes[..length];
        let seconds = answer
            .get(..9)
            .filter(|head| *head == b"*2\r\n$10\r\n")
            .and_then(|_| std::str::from_utf8(answer.get(9..19)?).ok()?.parse::<u64>().ok());
        if let Some(seconds) = seconds {
            answer[9..19].copy_from_slice((seconds - 60).to_string().as_bytes());
        }
        thread::sleep(late);
        if client.write_all(answer).is_err() {
            return;
        }
    }
}

#[test]
fn a_far_server_and_one_with_another_clock_are_told() {
    let server = Server::start();
    let found = look(&format!("redis://127.0.0.1:{}/0", carry(server.port(), Duration::from_millis(20))), TASK);
    found.must_have("redis.latency", "warn", &["round trips"]);
    found.must_have("redis.clock", "warn", &["ahead of the server", "time server"]);
    let found = look(&format!("redis://127.0.0.1:{}/0", carry(server.port(), Duration::from_millis(300))), TASK);
    found.must_have("redis.latency", "fail", &["Heartbeats"]);
}
