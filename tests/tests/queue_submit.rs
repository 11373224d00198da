//! Submit: stored once, in its queue, with what the client asked for.

use dayfly_common::{
    model::{JobId, State},
    queue::{Submit, Submitted},
};
use dayfly_tests::rig::{Rig, job};

#[tokio::test]
async fn a_job_waits_in_its_queue_with_its_defaults_left_out() {
    let rig = Rig::start().await;
    let one = job("t");
    assert_eq!(rig.queue.submit(&one).await.expect("accepted"), Submitted::Created(State::Queued));
    let keys = rig.queue.keys();
    let mut fields: Vec<String> = rig.hand.get(&["HKEYS", &keys.job(one.id)]).await;
    fields.sort();
    assert_eq!(fields, ["created_at", "state", "task"]);
    let encoding: String = rig.hand.get(&["OBJECT", "ENCODING", &keys.job(one.id)]).await;
    assert_eq!(encoding, "listpack");
    let view = rig.job(one.id).await;
    assert_eq!(view.input.as_deref(), Some(&one.input[..]));
    assert_eq!(view.queue_position, Some(0));
    assert_eq!((view.record.priority, view.record.attempt, view.record.ready_at), (5, 0, view.record.created_at));
    assert_eq!(rig.hand.get::<i64>(&["LLEN", &keys.wake(&one.task)]).await, 1);
    assert_eq!(rig.hand.get::<i64>(&["HGET", &keys.counts(), "t:queued"]).await, 1);
}

#[tokio::test]
async fn options_are_stored_and_read_back() {
    let rig = Rig::start().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned();
    let one = Submit {
        priority: 0,
        delay_ms: 60_000,
        timeout_ms: Some(1_500),
        expires_ms: Some(90_000),
        retries: Some(3),
        retention_ms: Some(5_000),
        trace: Some(trace.clone()),
        owner: "ada".into(),
        labels: [("color".into(), "blue \"1\"".into())].into(),
        retry_of: Some(JobId::now()),
        ..job("t")
    };
    assert_eq!(rig.queue.submit(&one).await.expect("accepted"), Submitted::Created(State::Scheduled));
    let record = rig.job(one.id).await.record;
    assert_eq!(record.state, State::Scheduled);
    assert_eq!(record.priority, 0);
    assert_eq!(record.ready_at, record.created_at + 60_000);
    assert_eq!(record.expires_at, Some(record.created_at + 90_000));
    assert_eq!((record.timeout_ms, record.retries, record.retention_ms), (Some(1_500), Some(3), Some(5_000)));
    assert_eq!(record.trace, Some(trace));
    assert_eq!((record.owner, record.labels, record.retry_of), (one.owner, one.labels, one.retry_of));
    assert_eq!(rig.claim(&["t"], 1).await.claims.len(), 0, "not before its time");
}

#[tokio::test]
async fn the_same_request_again_is_recognised_and_another_is_a_conflict() {
    let rig = Rig::start().await;
    let plain = job("t");
    rig.queue.submit(&plain).await.expect("accepted");
    assert_eq!(rig.queue.submit(&plain).await.expect("an answer"), Submitted::Exists);

    let one = Submit { id: JobId::from_idempotency_key("ada", "k"), repeatable: true, ..job("t") };
    rig.queue.submit(&one).await.expect("accepted");
    let later = Submit { expires_ms: Some(1), delay_ms: 7, ..one.clone() };
    assert_eq!(rig.queue.submit(&later).await.expect("an answer"), Submitted::Exists, "options do not count");
    let other_input = Submit { input: "{}".into(), ..one.clone() };
    assert_eq!(rig.queue.submit(&other_input).await.expect("an answer"), Submitted::Conflict);
    let other_task = Submit { task: "u".parse().expect("a name"), ..one.clone() };
    assert_eq!(rig.queue.submit(&other_task).await.expect("an answer"), Submitted::Conflict);
    let unasked = Submit { repeatable: true, ..plain };
    assert_eq!(rig.queue.submit(&unasked).await.expect("an answer"), Submitted::Conflict);
    assert_eq!(rig.hand.get::<i64>(&["ZCARD", &rig.queue.keys().queue(&one.task)]).await, 2);
}

#[tokio::test]
async fn a_full_queue_says_how_full_and_counts_delayed_jobs() {
    let rig = Rig::start().await;
    let bounded = || Submit { max_queued: Some(2), ..job("t") };
    rig.submit(bounded()).await;
    rig.submit(Submit { delay_ms: 60_000, ..bounded() }).await;
    let refused = bounded();
    assert_eq!(rig.queue.submit(&refused).await.expect("an answer"), Submitted::Full(2));
    assert!(rig.queue.job(refused.id).await.expect("an answer").is_none(), "nothing was written");
    rig.take("t").await;
    assert_eq!(rig.queue.submit(&refused).await.expect("an answer"), Submitted::Created(State::Queued));
}

#[tokio::test]
async fn inputs_of_any_bytes_come_back_as_they_were() {
    let rig = Rig::start().await;
    for input in [&b""[..], b"\0\xff\r\n$5", "\u{1f41d}".as_bytes()] {
        let id = rig.submit(Submit { input: input.to_vec().into(), ..job("t") }).await;
        assert_eq!(rig.job(id).await.input.as_deref(), Some(input));
        assert_eq!(&rig.take("t").await.input[..], input);
    }
}
