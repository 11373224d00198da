//! GET /v1/events

use dayfly_tests::{Api, Hand, Sse, SseEvent, answer, eventually_async, rig, task};
use reqwest::Method;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

async fn with_worker() -> (Api, Hand) {
    let api = Api::start(vec![task("any"), task("other")]).await;
    let hand = Hand::new(&api.queue, &[task("any"), task("other")]).await;
    (api, hand)
}

async fn open(api: &Api, query: &str) -> Sse {
    Sse::open(api.ask(Method::GET, &format!("/v1/events{query}"))).await
}

async fn resume(api: &Api, id: &str) -> Sse {
    Sse::open(api.ask(Method::GET, "/v1/events").header("last-event-id", id)).await
}

fn state(event: &SseEvent) -> &str {
    assert_eq!(event.name, "job");
    event.data["state"].as_str().expect("a state")
}

/// Writes `count` events of a job that there is, as the functions do but faster.
async fn flood(api: &Api, id: &str, count: usize) {
    let by_hand = rig::Hand::of(&api.server.url()).await;
    let script = "for i = 1, ARGV[2] do redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'id', ARGV[1], 'task', 'any', \
                  'state', 'queued') end return 1";
    let (events, count) = (api.queue.keys().events(), count.to_string());
    by_hand.get::<i64>(&["EVAL", script, "1", &events, id, &count]).await;
}

#[tokio::test]
async fn every_change_of_every_job_is_told() {
    let (api, hand) = with_worker().await;
    let mut stream = open(&api, "").await;
    assert_eq!(stream.headers["cache-control"], "no-store");
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    assert_eq!(stream.event().await.name, "ready");
    assert!(stream.retry.is_some());
    let id = api.post("/v1/tasks/any").await.member("id");
    let queued = stream.event().await;
    assert_eq!(
        (state(&queued), &queued.data["id"], &queued.data["task"]),
        ("queued", &id.clone().into(), &"any".into())
    );
    assert!(queued.data["at"].as_str().is_some_and(|at| at.starts_with("20") && at.ends_with('Z')), "{}", queued.data);
    assert_eq!(queued.data["job"]["id"], id);
    assert!(queued.data["job"].get("input").is_none());
    let claim = hand.claim().await;
    assert_eq!(state(&stream.event().await), "running");
    // Lines and progress are not for this stream.
    hand.say(claim.id, &claim.fence, &["a line"]).await;
    hand.succeed(claim, "1").await;
    let ended = stream.event().await;
    assert_eq!((state(&ended), &ended.data["job"]["state"]), ("succeeded", &"succeeded".into()));
    let other = api.post("/v1/tasks/other?delay=1h").await.member("id");
    let scheduled = stream.event().await;
    assert_eq!((state(&scheduled), &scheduled.data["id"]), ("scheduled", &other.into()));
}

#[tokio::test]
async fn filters_leave_the_rest_out() {
    let (api, hand) = with_worker().await;
    let mut other = open(&api, "?task=other").await;
    let mut ended = open(&api, "?state=succeeded").await;
    let mut both = open(&api, "?task=other&state=running").await;
    for stream in [&mut other, &mut ended, &mut both] {
        assert_eq!(stream.event().await.name, "ready");
    }
    for name in ["any", "other"] {
        api.post(&format!("/v1/tasks/{name}")).await;
        hand.succeed(hand.claim().await, "1").await;
    }
    for wanted in ["queued", "running", "succeeded"] {
        let event = other.event().await;
        assert_eq!((state(&event), &event.data["task"]), (wanted, &"other".into()));
    }
    for wanted in ["any", "other"] {
        let event = ended.event().await;
        assert_eq!((state(&event), &event.data["task"]), ("succeeded", &wanted.into()));
    }
    assert_eq!(state(&both.event().await), "running");
    for (query, says) in [("task=a%20b", "`task`"), ("state=done", "done"), ("stat=queued", "`state`")] {
        api.get(&format!("/v1/events?{query}")).await.must_be_problem(400, "bad_option", says);
    }
    let picky = api.ask(Method::GET, "/v1/events").header("accept", "text/html");
    answer(picky).await.must_be_problem(406, "not_acceptable", "`text/event-stream`");
}

#[tokio::test]
async fn who_comes_again_misses_nothing_and_gets_nothing_twice() {
    let (api, _hand) = with_worker().await;
    let mut stream = open(&api, "").await;
    let ready = stream.event().await.id;
    let submitting = async {
        let mut ids = Vec::new();
        for _ in 0..300 {
            ids.push(api.post("/v1/tasks/any").await.member("id"));
        }
        ids
    };
    let reading = async {
        let (mut seen, mut last) = (Vec::new(), ready);
        while seen.len() < 300 {
            let mut stream = resume(&api, &last).await;
            for _ in 0..(300 - seen.len()).min(23) {
                let event = stream.event().await;
                assert_eq!(state(&event), "queued");
                seen.push(event.data["id"].as_str().expect("an id").to_owned());
                last = event.id;
            }
        }
        seen
    };
    let (submitted, seen) = tokio::join!(submitting, reading);
    assert_eq!(seen, submitted);
}

#[tokio::test]
async fn trimmed_history_is_a_reset() {
    let (api, _hand) = with_worker().await;
    let id = api.post("/v1/tasks/any").await.member("id");
    let mut stream = open(&api, "").await;
    assert_eq!(stream.event().await.name, "ready");
    api.post("/v1/tasks/any").await;
    let last = stream.event().await.id;
    drop(stream);
    flood(&api, &id, 12_000).await;
    for place in [last.as_str(), "x", "0-0", "99999999999999-0"] {
        let mut stream = resume(&api, place).await;
        let reset = stream.event().await;
        assert_eq!((reset.name.as_str(), reset.data["reason"].is_string()), ("reset", true), "{place}");
        // And it goes on from there.
        let posted = api.post("/v1/tasks/any").await.member("id");
        assert_eq!(stream.event().await.data["id"], posted, "{place}");
    }
}

/// A client that has asked for the stream and reads nothing of it yet.
async fn lazy(api: &Api) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(64 << 10).expect("a small buffer");
    let mut stream = socket.connect(api.address()).await.expect("connected");
    let request = format!("GET /v1/events HTTP/1.1\r\nhost: {}\r\n\r\n", api.address());
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

async fn read_until(stream: &mut TcpStream, mark: &str) -> String {
    let (mut piece, mut read) = (vec![0; 1 << 20], Vec::new());
    let reading = async {
        loop {
            let count = stream.read(&mut piece).await.expect("readable");
            assert_ne!(count, 0, "it is not cut off");
            let from = read.len().saturating_sub(mark.len());
            read.extend_from_slice(&piece[..count]);
            if read[from..].windows(mark.len()).any(|part| part == mark.as_bytes()) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reading).await.expect("it comes in time");
    String::from_utf8(read).expect("UTF-8")
}

/// Many events, until another client that reads has them all: the newest.
async fn flood_and_hear(api: &Api, id: &str, count: usize, busy: &mut Sse) -> String {
    flood(api, id, count).await;
    let newest = api.queue.newest_event().await.expect("an answer").to_string();
    while busy.event().await.id != newest {}
    newest
}

#[tokio::test]
async fn who_reads_late_gets_all_that_is_kept() {
    let (api, _hand) = with_worker().await;
    let id = api.post("/v1/tasks/any").await.member("id");
    let (mut lazy, mut busy) = (lazy(&api).await, open(&api, "").await);
    assert_eq!(busy.event().await.name, "ready");
    let mut text = read_until(&mut lazy, "event: ready").await;
    let newest = flood_and_hear(&api, &id, 9_000, &mut busy).await;
    text += &read_until(&mut lazy, &format!("id: {newest}\n")).await;
    assert!(!text.contains("event: reset"));
    assert_eq!(text.matches("event: job").count(), 9_000);
}

#[tokio::test]
async fn who_does_not_read_is_told_of_the_gap() {
    let (api, _hand) = with_worker().await;
    let id = api.post("/v1/tasks/any").await.member("id");
    let (mut lazy, mut busy) = (lazy(&api).await, open(&api, "").await);
    assert_eq!(busy.event().await.name, "ready");
    for _ in 0..3 {
        flood_and_hear(&api, &id, 8_000, &mut busy).await;
    }
    let text = read_until(&mut lazy, "event: reset\n").await;
    // What the kernel and the connection hold: with an endless buffer all of it would be there.
    let jobs = text.matches("event: job").count();
    assert!(text.contains("event: ready") && (1..24_000).contains(&jobs), "{jobs} jobs");
}

#[tokio::test]
async fn it_outlives_redis() {
    let (mut api, _hand) = with_worker().await;
    rig::Hand::of(&api.server.url()).await.get::<String>(&["CONFIG", "SET", "appendfsync", "always"]).await;
    let mut stream = open(&api, "").await;
    assert_eq!(stream.event().await.name, "ready");
    let before = api.post("/v1/tasks/any").await.member("id");
    assert_eq!(stream.event().await.data["id"], before);
    api.server.restart();
    let posted = eventually_async("a job is taken again", Duration::from_secs(10), || async {
        Some(api.post("/v1/tasks/any").await).filter(|answer| answer.status == 202)
    })
    .await;
    let event = stream.event().await;
    assert_eq!((state(&event), &event.data["id"]), ("queued", &posted.member("id").into()));
}

#[tokio::test]
async fn data_that_is_gone_is_a_reset() {
    let (api, _hand) = with_worker().await;
    api.post("/v1/tasks/any").await;
    let mut stream = open(&api, "").await;
    assert_eq!(stream.event().await.name, "ready");
    rig::Hand::of(&api.server.url()).await.get::<String>(&["FLUSHALL"]).await;
    assert_eq!(stream.event().await.name, "reset");
}

#[tokio::test]
async fn a_quiet_stream_keeps_its_place() {
    let (api, _hand) = with_worker().await;
    let mut stream = open(&api, "?task=other").await;
    let ready = stream.event().await.id;
    let begun = Instant::now();
    api.post("/v1/tasks/any").await;
    stream.comment(1).await;
    assert!((14..18).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert_ne!(ready, stream.last_id, "it has moved on with what was left out");
    let other = api.post("/v1/tasks/other").await.member("id");
    assert_eq!(stream.event().await.data["id"], other);
}

#[tokio::test]
async fn a_shutdown_ends_it_cleanly() {
    let (mut api, _hand) = with_worker().await;
    let mut stream = open(&api, "").await;
    assert_eq!(stream.event().await.name, "ready");
    api.stop();
    assert_eq!(stream.next().await, None);
    api.stopped().await;
}
