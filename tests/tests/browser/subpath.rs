//! Behind a proxy that serves the API below a path: links, script, stream, login and cookie stay below it.

use crate::chrome::{Chrome, Console};
use dayfly_tests::{Api, Hand, rig, task};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// Takes `/dayfly` off each request and passes it on; one request a connection. What lies elsewhere is 404 of its own.
async fn proxy(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass_on(client, to));
        }
    });
    address
}

async fn pass_on(mut client: TcpStream, to: SocketAddr) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let Some(rest) = text.split_once(" /dayfly/").map(|(method, rest)| format!("{method} /{rest}")) else {
        return client
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nelsewhere")
            .await;
    };
    let rest = rest.replacen("\r\n", "\r\nConnection: close\r\n", 1).replace("\r\nConnection: keep-alive", "");
    let mut server = TcpStream::connect(to).await?;
    server.write_all(rest.as_bytes()).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_it_stays_below_the_path() {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    let all = api.token("root", "read,submit,cancel,admin").await;
    let host = format!("http://{}", proxy(api.address()).await);
    let job = rig::job("any");
    api.queue.submit(&job).await.expect("taken");
    let claim = hand.claim().await;
    let chrome = Chrome::start().await;
    chrome.goto(&format!("{host}/dayfly/jobs/{}", job.id)).await;
    chrome.until_at("/dayfly/login?next=jobs%2F").await;
    chrome.find("#token").await.send_keys(&format!("{}\n", all.reveal())).await.expect("typed");
    chrome.until_at(&format!("/dayfly/jobs/{}", job.id)).await;
    let cookies = chrome.client.get_all_cookies().await.expect("cookies");
    assert_eq!(cookies[0].path(), Some("/dayfly"), "no other program of the host is sent it");
    chrome.until(".banner", "Runs").await;
    hand.say(claim.id, &claim.fence, &["by the stream"]).await;
    chrome.until("#log", "by the stream").await;
    chrome.click("#cancel").await;
    chrome.until(".banner", "A cancel was asked for").await;
    for (link, heading) in [("workers", "Workers"), ("tasks", "Tasks"), ("jobs", "Jobs"), ("", "Overview")] {
        chrome.click(&format!("nav a[href$='./{link}']")).await;
        chrome.until("h1", heading).await;
    }
    chrome.click(".tile.running").await;
    chrome.until("#list", "any").await;
    chrome.click("#sign-out").await;
    chrome.until_at("/dayfly/login").await;
    chrome.must_be_quiet(&host, Console::Silent).await;
    let log = chrome
        .run("return performance.getEntriesByType('resource').every((one) => one.name.includes('/dayfly/'))")
        .await;
    assert_eq!(log, true);
}
