//! The proxy of the chaos run does what it is told, and nothing else.

use dayfly_tests::{
    chaos::{Proxy, Weather},
    eventually_async, free_port,
};
use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const SOON: Duration = Duration::from_secs(10);
/// Long enough to be sure that nothing comes, where nothing is to come.
const QUIET: Duration = Duration::from_millis(300);

/// A server that keeps what it hears and says it back.
struct Echo {
    heard: Arc<Mutex<Vec<u8>>>,
    proxy: Proxy,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let keeping = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let keeping = Arc::clone(&keeping);
                tokio::spawn(async move {
                    let mut buffer = [0; 64];
                    while let Ok(length) = stream.read(&mut buffer).await {
                        if length == 0 || stream.write_all(&buffer[..length]).await.is_err() {
                            return;
                        }
                        keeping.lock().expect("no panic").extend_from_slice(&buffer[..length]);
                    }
                });
            }
        });
        Self { heard, proxy: Proxy::start(free_port(), port).await.expect("a proxy") }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.proxy.port())).await.expect("a connection")
    }

    fn heard(&self) -> String {
        String::from_utf8(self.heard.lock().expect("no panic").clone()).expect("words")
    }

    async fn hears(&self, what: &str) {
        eventually_async("the server hears it", SOON, || async { (self.heard() == what).then_some(()) }).await;
    }
}

/// Says a word and reads the echo; how the connection ended otherwise.
async fn exchange(stream: &mut TcpStream, word: &str) -> io::Result<String> {
    stream.write_all(word.as_bytes()).await?;
    hear(stream, word.len()).await
}

async fn hear(stream: &mut TcpStream, length: usize) -> io::Result<String> {
    let mut answer = vec![0; length];
    timeout(SOON, stream.read_exact(&mut answer)).await.expect("an answer or an end in time")?;
    Ok(String::from_utf8(answer).expect("words"))
}

fn is_reset(ended: io::Result<String>) -> bool {
    ended.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn in_fair_weather_bytes_go_both_ways_and_the_end_too() {
    let echo = Echo::start().await;
    let mut stream = echo.connect().await;
    assert_eq!(exchange(&mut stream, "one").await.unwrap(), "one");
    assert_eq!(exchange(&mut stream, "two").await.unwrap(), "two");
    stream.shutdown().await.unwrap();
    assert_eq!(timeout(SOON, stream.read(&mut [0; 8])).await.unwrap().unwrap(), 0, "the server's end comes through");
    assert_eq!(echo.proxy.carried(), 1);
}

#[tokio::test]
async fn a_slow_link_is_slow_each_way_and_loses_nothing() {
    let echo = Echo::start().await;
    let mut stream = echo.connect().await;
    echo.proxy.set(Weather::Slow(Duration::from_millis(100)));
    let begun = Instant::now();
    assert_eq!(exchange(&mut stream, "late").await.unwrap(), "late");
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_reset_ends_what_is_open_and_nothing_new() {
    let echo = Echo::start().await;
    let mut stream = echo.connect().await;
    exchange(&mut stream, "a").await.unwrap();
    echo.proxy.reset();
    assert!(is_reset(hear(&mut stream, 1).await));
    assert_eq!(exchange(&mut echo.connect().await, "b").await.unwrap(), "b");
}

#[tokio::test]
async fn swallowed_requests_never_arrive_and_the_link_is_reset_afterwards() {
    let echo = Echo::start().await;
    let mut stream = echo.connect().await;
    echo.proxy.set(Weather::Swallow { requests: true, replies: false });
    stream.write_all(b"gone").await.unwrap();
    assert!(timeout(QUIET, stream.read(&mut [0; 8])).await.is_err(), "the connection stays, and is silent");
    let mut another = echo.connect().await;
    another.write_all(b"gone too").await.unwrap();
    assert!(timeout(QUIET, another.read(&mut [0; 8])).await.is_err(), "a new one is accepted, and is silent");
    echo.proxy.set(Weather::Fair);
    assert!(is_reset(hear(&mut stream, 1).await));
    assert!(is_reset(hear(&mut another, 1).await));
    assert_eq!(echo.heard(), "");
    exchange(&mut echo.connect().await, "here").await.unwrap();
    echo.hears("here").await;
}

#[tokio::test]
async fn swallowed_replies_leave_the_request_done() {
    let echo = Echo::start().await;
    let mut stream = echo.connect().await;
    echo.proxy.set(Weather::Swallow { requests: false, replies: true });
    stream.write_all(b"done").await.unwrap();
    echo.hears("done").await;
    assert!(timeout(QUIET, stream.read(&mut [0; 8])).await.is_err());
    echo.proxy.set(Weather::Fair);
    assert!(is_reset(hear(&mut stream, 1).await));
}

#[tokio::test]
async fn without_replies_the_request_is_done_and_the_link_breaks() {
    let echo = Echo::start().await;
    let mut stream = echo.connect().await;
    echo.proxy.set(Weather::NoReplies);
    assert!(is_reset(exchange(&mut stream, "done").await));
    echo.hears("done").await;
}

#[tokio::test]
async fn held_requests_arrive_late_even_after_their_sender_has_gone() {
    let echo = Echo::start().await;
    let mut stream = echo.connect().await;
    echo.proxy.set(Weather::Held);
    stream.write_all(b"late").await.unwrap();
    assert!(timeout(QUIET, stream.read(&mut [0; 8])).await.is_err());
    drop(stream);
    assert_eq!(echo.heard(), "");
    echo.proxy.set(Weather::Fair);
    echo.hears("late").await;
}

#[tokio::test]
async fn a_refusing_one_listens_again_afterwards() {
    let echo = Echo::start().await;
    let mut stream = echo.connect().await;
    exchange(&mut stream, "a").await.unwrap();
    echo.proxy.set(Weather::Refused);
    assert!(is_reset(hear(&mut stream, 1).await));
    eventually_async("it refuses", SOON, || async {
        let refused = TcpStream::connect(("127.0.0.1", echo.proxy.port())).await;
        refused.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused).then_some(())
    })
    .await;
    echo.proxy.set(Weather::Fair);
    let mut stream = eventually_async("it listens", SOON, || async {
        TcpStream::connect(("127.0.0.1", echo.proxy.port())).await.ok()
    })
    .await;
    assert_eq!(exchange(&mut stream, "again").await.unwrap(), "again");
}
