//! Thousands of clients that wait, against one API process: what one costs, that Redis does not feel them, that others are
//! answered meanwhile, and that all of them hear the end.

use dayfly_common::{
    model::{Nonce, State},
    queue::{Ask, Finished, Queue},
};
use dayfly_tests::{Daemon, Hand, Server, dayfly_binary, eventually_async, free_port, rig, task};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use reqwest::Client;
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

const WAITING: usize = 2_000;
/// Streams of one job each, five to a job.
const FOLLOWING: usize = 490;
const FOLLOWED: usize = FOLLOWING / 5;
/// Streams of all jobs.
const FLEET: usize = 10;
const LONG: Duration = Duration::from_secs(60);

/// What the API's process holds in memory, bytes.
fn memory(pid: i32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

async fn connections(by_hand: &rig::Hand) -> usize {
    by_hand.get::<String>(&["CLIENT", "LIST"]).await.lines().count()
}

/// Sends a request and reads the answer to its end. `begun` counts first pieces.
async fn ask(port: u16, request: String, begun: Arc<AtomicUsize>) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let (mut piece, mut text) = (vec![0; 8 << 10], String::new());
    loop {
        let count = stream.read(&mut piece).await.expect("readable");
        if count == 0 {
            return text;
        }
        if text.is_empty() {
            begun.fetch_add(1, Ordering::Relaxed);
        }
        text.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
}

/// Listens to the whole fleet until so many jobs were told of.
async fn listen(port: u16, request: String, begun: Arc<AtomicUsize>, jobs: usize) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let (mut piece, mut unread, mut seen) = (vec![0; 64 << 10], String::new(), 0);
    while seen < jobs {
        let count = stream.read(&mut piece).await.expect("readable");
        assert_ne!(count, 0, "it ended after {seen} jobs");
        unread.push_str(&String::from_utf8_lossy(&piece[..count]));
        while let Some(end) = unread.find("\n\n") {
            let frame: String = unread.drain(..end + 2).collect();
            assert!(!frame.contains("event: reset"), "{frame}");
            seen += usize::from(frame.contains("event: job\n"));
            begun.fetch_add(usize::from(frame.contains("event: ready\n")), Ordering::Relaxed);
        }
    }
}

/// Asks for a job again and again; the slowest answers of a hundred and of all.
async fn others(client: &Client, url: &str, count: usize) -> (Duration, Duration) {
    let mut took = Vec::new();
    for _ in 0..count {
        let begun = Instant::now();
        let answer = client.get(url).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.bytes().await.expect("a whole body");
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    (took[took.len() * 99 / 100], took[took.len() - 1])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_wait_at_little_cost() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("the limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("as many files as may be");
    assert!(hard >= 6_000, "two processes with 2,500 connections each need more than {hard} open files");

    let (server, dir, port) = (Server::start(), tempfile::tempdir().expect("a folder"), free_port());
    // Patient: on a busy machine the played worker must not be what fails.
    let queue = Queue::new(&rig::settings(&server.url())).expect("a good URL");
    queue.ensure_library().await.expect("the library loads");
    let hand = Hand::new(&queue, &[task("any")]).await;
    let by_hand = rig::Hand::of(&server.url()).await;
    let own = connections(&by_hand).await;
    let words = ["api", "--listen", &format!("127.0.0.1:{port}"), "--redis-url", &server.url()].map(str::to_owned);
    // It begins with a limit that is too low, and raises it by itself.
    let program = [vec!["--nofile=1024:".to_owned(), dayfly_binary().display().to_string()], words.to_vec()].concat();
    let daemon = Daemon::start_program("prlimit".as_ref(), "api", dir.path(), program, "info");
    let client = Client::builder().no_proxy().build().expect("a client");
    let url = format!("http://127.0.0.1:{port}");
    let ready = async || client.get(format!("{url}/readyz")).send().await.ok().filter(|ready| ready.status() == 200);
    eventually_async("it is ready", LONG, ready).await;

    let mut locations = Vec::new();
    for _ in 0..FOLLOWED {
        let posted = client.post(format!("{url}/v1/tasks/any")).send().await.expect("an answer");
        locations.push(posted.headers()["location"].to_str().expect("a path").to_owned());
    }
    let one = format!("{url}{}", locations[0]);
    // The pool fills and the allocator settles before anything is measured.
    futures_util::future::join_all((0..64).map(|_| client.get(&one).send())).await;
    let before = memory(daemon.pid());
    let (alone, _) = others(&client, &one, 300).await;

    let (begun, unheard) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (mut waiting, mut following, mut fleet) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    let head = format!("host: 127.0.0.1:{port}\r\nconnection: close\r\n");
    for _ in 0..WAITING {
        let request = format!("POST /v1/tasks/any HTTP/1.1\r\n{head}prefer: wait=60\r\ncontent-length: 0\r\n\r\n");
        waiting.spawn(ask(port, request, Arc::clone(&unheard)));
    }
    for location in locations.iter().cycle().take(FOLLOWING) {
        let request = format!("GET {location}/events HTTP/1.1\r\n{head}\r\n");
        following.spawn(ask(port, request, Arc::clone(&begun)));
    }
    for _ in 0..FLEET {
        let request = format!("GET /v1/events?state=succeeded HTTP/1.1\r\n{head}\r\n");
        fleet.spawn(listen(port, request, Arc::clone(&begun), WAITING + FOLLOWED));
    }
    let counts = queue.keys().counts();
    let arriving = Instant::now();
    eventually_async("all are there", LONG, async || {
        let queued: usize = by_hand.get(&["HGET", &counts, "any:queued"]).await;
        (queued == WAITING + FOLLOWED && begun.load(Ordering::Relaxed) == FOLLOWING + FLEET).then_some(())
    })
    .await;
    let arrived = arriving.elapsed();
    let (holding, holding_most) = others(&client, &one, 500).await;
    let clients = WAITING + FOLLOWING + FLEET;
    let each = memory(daemon.pid()).saturating_sub(before) / clients;
    let of_api = connections(&by_hand).await - own;
    assert_eq!(unheard.load(Ordering::Relaxed), 0, "nobody who waits was answered");

    let ending = Instant::now();
    let finishing = async {
        let mut left = WAITING + FOLLOWED;
        while left > 0 {
            let ask = Ask {
                worker: hand.id().to_owned(),
                nonces: (0..left.min(100)).map(|_| Nonce::random()).collect(),
                tasks: vec![rig::ask_task("any", 0)],
                ttl_ms: 60_000,
                memory_left: None,
            };
            let claims = queue.claim(&ask).await.expect("claims").claims;
            let ends: Vec<_> = claims.into_iter().map(|claim| claim.finish(hand.id(), rig::success("1"))).collect();
            let (finished, _) = queue.finish(&ends, None).await.expect("finished");
            assert!(finished.iter().all(|one| *one == Finished::Done(State::Succeeded)));
            left -= ends.len();
        }
    };
    let hearing = async {
        while let Some(text) = waiting.join_next().await {
            let text = text.expect("an answer");
            assert!(text.starts_with("HTTP/1.1 200 ") && text.contains(r#""state":"succeeded""#), "{text}");
        }
        while let Some(text) = following.join_next().await {
            let text = text.expect("a stream");
            assert!(text.contains("event: end\n") && text.ends_with("0\r\n\r\n"), "{text}");
        }
        while let Some(told) = fleet.join_next().await {
            told.expect("all jobs");
        }
        ending.elapsed()
    };
    let hearing = async { tokio::time::timeout(LONG, hearing).await.expect("all hear the end") };
    let ((), heard, (under_load, under_load_most)) = tokio::join!(finishing, hearing, others(&client, &one, 500));

    println!("{WAITING} waiting and {} streams, there after {arrived:.1?}", FOLLOWING + FLEET);
    println!("memory of the API: {} kB a client, {} MB before", each >> 10, before >> 20);
    println!("Redis connections of the API: {of_api}");
    println!("p99 (most) of other requests: {alone:.1?} alone; {holding:.1?} ({holding_most:.1?}) while all wait;");
    println!("  {under_load:.1?} ({under_load_most:.1?}) while all jobs end; all have heard it after {heard:.1?}");
    assert!((1..64 << 10).contains(&each), "{each} bytes a client");
    // The pool's 16, and the reader's one.
    assert!(of_api <= 17, "{of_api} connections");
    assert!(holding < Duration::from_millis(250), "{holding:?}");
    assert!(under_load < Duration::from_secs(1), "{under_load:?}");
    assert!(daemon.output().contains("is raised from 1024"), "{}", daemon.output());
}
