//! The core of the queue in one walk: every operation once, by the queue's own calls, on whatever holds it.

use crate::{
    rig::{Rig, TTL_MS, ask, failure, job, presence, success, task},
    server::Backend,
};
use dayfly_common::{
    model::{JobId, State},
    queue::{
        Beat, Cancelled, Finished, Held, Line, LineStream, ListFilter, Report, Submit, Submitted, TaskCard, Verdict,
        Wake,
    },
};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

/// Walks. `name` is a task that nothing else uses.
///
/// # Panics
/// When anything is not as it must be.
pub async fn walk<S: Backend>(rig: &Rig<S>, name: &str) {
    submitting(rig, name).await;
    running(rig, name).await;
    cancelling(rig, name).await;
    giving_back(rig, name).await;
    hints(rig, name).await;
}

async fn submitting<S: Backend>(rig: &Rig<S>, name: &str) {
    let queue = &rig.queue;
    let keyed = Submit { repeatable: true, ..job(name) };
    assert_eq!(queue.submit(&keyed).await.expect("accepted"), Submitted::Created(State::Queued));
    assert_eq!(queue.submit(&keyed).await.expect("an answer"), Submitted::Exists);
    let other = Submit { input: "7".into(), ..keyed.clone() };
    assert_eq!(queue.submit(&other).await.expect("an answer"), Submitted::Conflict);
    let over = Submit { max_queued: Some(1), ..job(name) };
    assert_eq!(queue.submit(&over).await.expect("an answer"), Submitted::Full(1));
    let delayed = Submit { delay_ms: 3_600_000, ..job(name) };
    assert_eq!(queue.submit(&delayed).await.expect("accepted"), Submitted::Created(State::Scheduled));
    rig.let_due(delayed.id).await;
    rig.sweep().await;
    assert_eq!(rig.state(delayed.id).await, State::Queued);
    for _ in 0..2 {
        let claim = rig.take(name).await;
        rig.end(claim, success("1")).await;
    }
}

async fn running<S: Backend>(rig: &Rig<S>, name: &str) {
    let queue = &rig.queue;
    let id = rig.submit(Submit { retries: Some(1), ..job(name) }).await;
    let once = ask("w", &[name], 1);
    let claim = queue.claim(&once).await.expect("an answer").claims.pop().expect("a job");
    let again = queue.claim(&once).await.expect("an answer").claims.pop().expect("the same job");
    assert_eq!((claim.id, &claim.fence), (again.id, &again.fence), "a nonce gives its job again");
    assert_eq!((claim.id, &claim.input[..]), (id, &b"{\"n\":42}"[..]));
    let line = Line { stream: LineStream::Stderr, at: 1, text: "half way".to_owned() };
    let report = Report { id, fence: claim.fence.clone(), pid: Some(7), progress: None, lines: vec![line] };
    assert!(queue.report(&report).await.expect("an answer"));
    assert_eq!(rig.beat(&[&claim]).await.verdicts, [Verdict::Ok]);
    assert!(matches!(rig.end(claim, failure(true)).await, Finished::Done(State::Scheduled)));
    rig.let_due(id).await;
    rig.sweep().await;
    let second = rig.take(name).await;
    assert!(matches!(rig.end(again, success("1")).await, Finished::Fenced), "the first attempt is over");
    assert!(matches!(rig.end(second, success("42")).await, Finished::Done(State::Succeeded)));
    let view = rig.job(id).await;
    assert_eq!(
        (view.record.state, view.record.attempt, view.result.as_deref()),
        (State::Succeeded, 2, Some(&b"42"[..]))
    );
    assert_eq!(queue.log_tail(id, 10).await.expect("an answer").len(), 1);
    // A worker that is gone: its job goes back.
    let id = rig.submit(job(name)).await;
    rig.take(name).await;
    rig.end_hold().await;
    rig.expire_lease(id).await;
    rig.sweep().await;
    assert_eq!(rig.state(id).await, State::Queued);
    let claim = rig.take(name).await;
    rig.end(claim, success("1")).await;
}

async fn cancelling<S: Backend>(rig: &Rig<S>, name: &str) {
    let queue = &rig.queue;
    let waiting = rig.submit(job(name)).await;
    assert!(matches!(queue.cancel(waiting, None, None).await.expect("an answer"), Cancelled::Now));
    let running = rig.submit(job(name)).await;
    let claim = rig.take(name).await;
    let mut listener = queue.cancel_listener().await.expect("a listener");
    assert!(matches!(queue.cancel(running, None, None).await.expect("an answer"), Cancelled::Asked));
    let heard = tokio::time::timeout(LONG, listener.next()).await.expect("in time").expect("a message");
    assert_eq!(heard, running);
    assert!(matches!(rig.beat(&[&claim]).await.verdicts[..], [Verdict::Cancel { .. }]));
    rig.end(claim, failure(false)).await;
    assert_eq!(rig.state(running).await, State::Cancelled);
    let by_hand = rig.submit(job(name)).await;
    rig.hand.get::<()>(&["SET", &queue.keys().cancel(by_hand), "1"]).await;
    assert!(rig.claim(&[name], 1).await.claims.is_empty());
    assert_eq!(rig.state(by_hand).await, State::Cancelled);
}

async fn giving_back<S: Backend>(rig: &Rig<S>, name: &str) {
    let queue = &rig.queue;
    let id = rig.submit(job(name)).await;
    let once = ask("w", &[name], 1);
    assert_eq!(queue.claim(&once).await.expect("an answer").claims.len(), 1);
    queue.release("w", &once.nonces).await.expect("given back");
    assert_eq!(rig.state(id).await, State::Queued);
    queue.set_paused(&task(name), true).await.expect("paused");
    assert!(rig.claim(&[name], 1).await.claims.is_empty());
    queue.set_paused(&task(name), false).await.expect("resumed");
    let claim = rig.take(name).await;
    let held = vec![Held { id, fence: claim.fence.clone() }];
    let beat = Beat { presence: presence("w", &[name]), held, ttl_ms: TTL_MS };
    queue.register_tasks(&[TaskCard::from(&crate::task(name))]).await.expect("registered");
    queue.heartbeat(&beat).await.expect("an answer");
    let status = queue.tasks().await.expect("an answer");
    let status = status.iter().find(|status| status.name == task(name)).expect("the task");
    assert_eq!((status.running, status.live_workers), (1, 1));
    rig.end(claim, success("1")).await;
    let page =
        queue.list(&ListFilter { task: Some(task(name)), limit: 100, ..ListFilter::default() }).await.expect("a page");
    assert!(page.items.iter().any(|job| job.id == id));
}

async fn hints<S: Backend>(rig: &Rig<S>, name: &str) {
    let queue = &rig.queue;
    let mut listener = queue.wake_listener().await.expect("a listener");
    let mut events = queue.event_reader().await.expect("a reader");
    let tasks = [task(name)];
    let waiting = tokio::spawn(async move { listener.wait(&tasks, LONG).await });
    let id: JobId = rig.submit(job(name)).await;
    assert_eq!(waiting.await.expect("no panic").expect("an answer"), Wake::Token(task(name)));
    let heard = async {
        loop {
            let read = events.next().await.expect("an answer");
            if read.iter().any(|event| event.id == id && event.state == Some(State::Queued)) {
                return;
            }
        }
    };
    tokio::time::timeout(LONG, heard).await.expect("its event in time");
    let claim = rig.take(name).await;
    rig.end(claim, success("1")).await;
}
