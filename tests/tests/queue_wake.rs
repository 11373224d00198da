//! Wake-ups and events: what makes things fast.

use dayfly_common::{
    model::State,
    queue::{Line, LineStream, Report, Submit, Wake},
};
use dayfly_tests::rig::{Rig, job, task};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

#[tokio::test]
async fn an_idle_worker_is_woken_by_a_submit_of_its_tasks() {
    let rig = Rig::start().await;
    let mut listener = rig.queue.wake_listener().await.expect("a listener");
    let tasks = [task("a"), task("b")];
    assert_eq!(listener.wait(&tasks, SHORT).await.expect("an answer"), Wake::Silence);
    let queue = rig.queue.clone();
    let waiting = tokio::spawn(async move { listener.wait(&tasks, LONG).await });
    let sent = Instant::now();
    queue.submit(&job("other")).await.expect("accepted");
    queue.submit(&job("b")).await.expect("accepted");
    assert_eq!(waiting.await.expect("no panic").expect("an answer"), Wake::Token(task("b")));
    assert!(sent.elapsed() < LONG / 2);
}

#[tokio::test]
async fn a_token_can_be_put_back_but_never_doubled() {
    let rig = Rig::start().await;
    rig.submit(job("t")).await;
    let wake = rig.queue.keys().wake(&task("t"));
    let mut listener = rig.queue.wake_listener().await.expect("a listener");
    assert_eq!(listener.wait(&[task("t")], LONG).await.expect("an answer"), Wake::Token(task("t")));
    for _ in 0..2 {
        rig.queue.push_token(&task("t")).await.expect("pushed");
        assert_eq!(rig.hand.get::<i64>(&["LLEN", &wake]).await, 1);
    }
    rig.take("t").await;
    rig.queue.push_token(&task("t")).await.expect("an answer");
    assert_eq!(rig.hand.get::<i64>(&["LLEN", &wake]).await, 0, "nothing waits");
}

#[tokio::test]
async fn pausing_takes_the_token_and_resuming_brings_it() {
    let rig = Rig::start().await;
    let wake = rig.queue.keys().wake(&task("t"));
    rig.submit(job("t")).await;
    rig.queue.set_paused(&task("t"), true).await.expect("paused");
    rig.submit(job("t")).await;
    assert_eq!(rig.hand.get::<i64>(&["LLEN", &wake]).await, 0);
    rig.queue.set_paused(&task("t"), false).await.expect("resumed");
    assert_eq!(rig.hand.get::<i64>(&["LLEN", &wake]).await, 1);
}

#[tokio::test]
async fn a_listener_without_tasks_just_waits() {
    let rig = Rig::start().await;
    let mut listener = rig.queue.wake_listener().await.expect("a listener");
    assert_eq!(listener.wait(&[], SHORT).await.expect("an answer"), Wake::Silence);
}

#[tokio::test]
async fn a_wait_is_ended_early_and_no_token_is_lost() {
    let rig = Rig::start().await;
    let mut listener = rig.queue.wake_listener().await.expect("a listener");
    let id = listener.id().expect("an id");
    let mut waiting = tokio::spawn(async move { (listener.wait(&[task("t")], LONG).await, listener) });
    let sent = Instant::now();
    let ended = loop {
        // It may not wait yet: then there is nothing to end.
        rig.queue.end_wait(id).await.expect("an answer");
        if let Ok(ended) = tokio::time::timeout(SHORT, &mut waiting).await {
            break ended;
        }
    };
    let (wake, mut listener) = ended.expect("no panic");
    assert_eq!(wake.expect("an answer"), Wake::Silence);
    assert!(sent.elapsed() < LONG / 2);
    rig.submit(job("t")).await;
    rig.queue.end_wait(id).await.expect("an answer");
    assert_eq!(listener.wait(&[task("t")], LONG).await.expect("an answer"), Wake::Token(task("t")));
}

#[tokio::test]
async fn a_reader_sees_every_change_since_it_was_opened() {
    let rig = Rig::start().await;
    rig.submit(job("before")).await;
    let mut reader = rig.queue.event_reader().await.expect("a reader");
    let id = rig.submit(Submit { delay_ms: 60_000, ..job("t") }).await;
    rig.let_due(id).await;
    let claim = rig.take("t").await;
    let lines = vec![Line { stream: LineStream::Stderr, at: 0, text: "x".into() }];
    let report = Report { id, fence: claim.fence, pid: None, progress: None, lines };
    rig.queue.report(&report).await.expect("an answer");
    rig.hand.get::<String>(&["XADD", &rig.queue.keys().events(), "*", "by", "hand"]).await;
    rig.queue.cancel(rig.submit(job("t")).await, None, None).await.expect("cancelled");

    let mut seen = Vec::new();
    let start = Instant::now();
    while seen.len() < 6 && start.elapsed() < LONG {
        seen.extend(reader.next().await.expect("events"));
    }
    let states: Vec<_> = seen.iter().map(|event| (event.task.as_str(), event.state)).collect();
    let of = |state| ("t", Some(state));
    let hint = ("t", None);
    let wanted = [State::Scheduled, State::Queued, State::Running].map(of);
    assert_eq!(states[..3], wanted);
    assert_eq!(states[3..], [hint, of(State::Queued), of(State::Cancelled)]);
    assert!(seen[..4].iter().all(|event| event.id == id));
}
