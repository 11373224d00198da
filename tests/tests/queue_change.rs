//! Change: another priority or another time for a job that waits.

use dayfly_common::{
    model::{JobId, State},
    queue::{Change, Changed, StartAt, Submit},
};
use dayfly_tests::rig::{Rig, failure, job, task};

fn priority(priority: u8) -> Change {
    Change { priority: Some(priority), at: None }
}

fn at(at: StartAt) -> Change {
    Change { priority: None, at: Some(at) }
}

async fn changed(rig: &Rig, id: JobId, change: Change) -> Changed {
    rig.queue.change(id, &change).await.expect("an answer")
}

async fn order(rig: &Rig) -> Vec<String> {
    rig.hand.get(&["ZRANGE", &rig.queue.keys().queue(&task("t")), "0", "-1"]).await
}

#[tokio::test]
async fn a_more_urgent_job_moves_up_and_back_into_its_place() {
    let rig = Rig::start().await;
    let one = rig.submit(job("t")).await;
    let two = rig.submit(job("t")).await;
    let in_order = order(&rig).await;
    assert_eq!(changed(&rig, two, priority(1)).await, Changed::Done(State::Queued));
    assert_eq!(order(&rig).await, [two.to_string(), one.to_string()]);
    assert_eq!(rig.job(two).await.record.priority, 1);
    assert_eq!(changed(&rig, two, priority(5)).await, Changed::Done(State::Queued));
    assert_eq!(order(&rig).await, in_order);
    let fields: Vec<String> = rig.hand.get(&["HKEYS", &rig.queue.keys().job(two)]).await;
    assert!(!fields.contains(&"priority".to_owned()), "a default is left out: {fields:?}");
}

#[tokio::test]
async fn a_scheduled_job_runs_now_with_its_new_priority() {
    let rig = Rig::start().await;
    let delayed = rig.submit(Submit { delay_ms: 3_600_000, expires_ms: Some(7_200_000), ..job("t") }).await;
    rig.submit(job("t")).await;
    assert_eq!(changed(&rig, delayed, priority(9)).await, Changed::Done(State::Scheduled));
    let both = Change { priority: Some(0), at: Some(StartAt::Now) };
    assert_eq!(changed(&rig, delayed, both).await, Changed::Done(State::Queued));
    assert_eq!(changed(&rig, delayed, both).await, Changed::Done(State::Queued), "sent again");
    let keys = rig.queue.keys();
    assert_eq!(rig.hand.get::<i64>(&["ZCARD", &keys.delayed()]).await, 0);
    let counts: Vec<i64> = rig.hand.get(&["HMGET", &keys.counts(), "t:queued", "t:scheduled"]).await;
    assert_eq!(counts, [2, 0]);
    let record = rig.job(delayed).await.record;
    assert!(record.ready_at < record.created_at + 60_000, "ready now");
    assert_eq!(rig.take("t").await.id, delayed);
}

#[tokio::test]
async fn a_backoff_can_be_cut_short() {
    let rig = Rig::start().await;
    let id = rig.submit(Submit { retries: Some(1), ..job("t") }).await;
    let mut end = rig.take("t").await.finish("w", failure(true));
    end.retry_delay_ms = 3_600_000;
    rig.queue.finish(&[end], None).await.expect("an answer");
    assert_eq!(rig.state(id).await, State::Scheduled);
    assert_eq!(changed(&rig, id, at(StartAt::Ms(1))).await, Changed::Done(State::Queued), "what is past means now");
    assert_eq!(rig.take("t").await.fence.attempt, 2);
}

#[tokio::test]
async fn a_later_time_takes_a_job_out_of_its_queue_until_then() {
    let rig = Rig::start().await;
    let id = rig.submit(Submit { expires_ms: Some(7_200_000), ..job("t") }).await;
    let created_at = rig.job(id).await.record.created_at;
    let later = at(StartAt::Ms(created_at + 3_600_000));
    for _ in 0..2 {
        assert_eq!(changed(&rig, id, later).await, Changed::Done(State::Scheduled));
    }
    let keys = rig.queue.keys();
    assert_eq!(rig.hand.get::<Vec<String>>(&["SMEMBERS", &keys.queues()]).await, [""; 0]);
    let due: i64 = rig.hand.get(&["ZSCORE", &keys.delayed(), &id.to_string()]).await;
    assert_eq!((due, rig.job(id).await.record.ready_at), (created_at + 3_600_000, created_at + 3_600_000));
    assert!(rig.claim(&["t"], 1).await.claims.is_empty());
    // Not beyond its expiry: it could never run.
    let expires_at = created_at + 7_200_000;
    assert_eq!(changed(&rig, id, at(StartAt::Ms(expires_at))).await, Changed::Late(expires_at));
    assert_eq!(rig.job(id).await.record.ready_at, created_at + 3_600_000, "and nothing was changed");
    rig.let_due(id).await;
    assert_eq!(rig.take("t").await.id, id);
}

#[tokio::test]
async fn only_a_waiting_job_can_be_changed() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let claim = rig.take("t").await;
    assert_eq!(changed(&rig, id, priority(1)).await, Changed::Wrong(State::Running));
    rig.end(claim, failure(false)).await;
    assert_eq!(changed(&rig, id, at(StartAt::Now)).await, Changed::Wrong(State::Failed));
    assert_eq!(changed(&rig, JobId::now(), priority(1)).await, Changed::Unknown);
    let record = rig.job(id).await.record;
    assert_eq!((record.priority, record.state), (5, State::Failed));
}

#[tokio::test]
async fn a_cancel_set_by_hand_comes_first() {
    let rig = Rig::start().await;
    let id = rig.submit(Submit { delay_ms: 60_000, ..job("t") }).await;
    rig.hand.get::<()>(&["SET", &rig.queue.keys().cancel(id), "1"]).await;
    assert_eq!(changed(&rig, id, at(StartAt::Now)).await, Changed::Wrong(State::Cancelled));
    assert!(rig.claim(&["t"], 1).await.claims.is_empty());
}
