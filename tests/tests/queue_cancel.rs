//! Cancel: one durable key, by API or by hand, whatever the job does.

use dayfly_common::{
    model::{JobId, State},
    queue::{Cancelled, Submit, Verdict},
};
use dayfly_tests::rig::{Rig, job, success};

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_never_starts() {
    let rig = Rig::start().await;
    let queued = rig.submit(Submit { expires_ms: Some(60_000), ..job("t") }).await;
    let delayed = rig.submit(Submit { delay_ms: 60_000, ..job("t") }).await;
    for id in [queued, delayed] {
        assert_eq!(rig.queue.cancel(id, Some("a mistake"), None).await.expect("an answer"), Cancelled::Now);
        let record = rig.job(id).await.record;
        assert_eq!((record.state, record.cancel_reason.as_deref()), (State::Cancelled, Some("a mistake")));
        assert_eq!(record.cancel_requested_at, record.finished_at);
        let again = rig.queue.cancel(id, None, None).await.expect("an answer");
        assert_eq!(again, Cancelled::Ended(State::Cancelled));
    }
    let keys = rig.queue.keys();
    for gone in [keys.delayed(), keys.expiring(), keys.queues(), keys.cancel(queued)] {
        assert_eq!(rig.hand.get::<i64>(&["EXISTS", &gone]).await, 0, "{gone}");
    }
    assert!(rig.claim(&["t"], 4).await.claims.is_empty());
    assert_eq!(rig.queue.cancel(JobId::now(), None, None).await.expect("an answer"), Cancelled::Unknown);
}

#[tokio::test]
async fn a_running_jobs_worker_hears_of_it_by_message_and_by_heartbeat() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let claim = rig.take("t").await;
    let mut listener = rig.queue.cancel_listener().await.expect("a listener");
    assert_eq!(rig.beat(&[&claim]).await.verdicts, [Verdict::Ok]);
    assert_eq!(rig.queue.cancel(id, Some("too slow"), Some(5_000)).await.expect("an answer"), Cancelled::Asked);
    assert_eq!(listener.next().await.expect("a message"), id);
    assert_eq!(rig.beat(&[&claim]).await.verdicts, [Verdict::Cancel { grace_ms: Some(5_000) }]);
    // Asked again: the shorter grace holds, the first reason stays.
    rig.queue.cancel(id, None, Some(0)).await.expect("an answer");
    rig.queue.cancel(id, None, Some(9_000)).await.expect("an answer");
    assert_eq!(rig.beat(&[&claim]).await.verdicts, [Verdict::Cancel { grace_ms: Some(0) }]);
    let record = rig.job(id).await.record;
    assert_eq!((record.state, record.cancel_reason.as_deref()), (State::Running, Some("too slow")));
    assert!(record.cancel_requested_at.is_some());
}

#[tokio::test]
async fn any_value_of_the_key_set_by_hand_cancels() {
    let rig = Rig::start().await;
    for (value, reason, grace_ms) in [
        ("1", None, None),
        ("", None, None),
        ("{broken", None, None),
        ("[1]", None, None),
        ("{\"reason\":7,\"grace_ms\":-1}", None, None),
        ("{\"reason\":\"enough\",\"grace_ms\":250}", Some("enough"), Some(250)),
    ] {
        let running = rig.submit(job("t")).await;
        let claim = rig.take("t").await;
        let waiting = rig.submit(job("u")).await;
        for id in [running, waiting] {
            rig.hand.get::<()>(&["SET", &rig.queue.keys().cancel(id), value]).await;
        }
        assert_eq!(rig.beat(&[&claim]).await.verdicts, [Verdict::Cancel { grace_ms }], "{value}");
        assert_eq!(rig.job(running).await.record.cancel_reason.as_deref(), reason, "{value}");
        let record = rig.job(waiting).await.record;
        assert_eq!(record.state, State::Cancelled, "settled by reading it: {value}");
        assert_eq!(record.cancel_reason.as_deref(), reason, "{value}");
    }
    let odd = rig.submit(job("u")).await;
    rig.hand.get::<i64>(&["LPUSH", &rig.queue.keys().cancel(odd), "x"]).await;
    assert_eq!(rig.state(odd).await, State::Cancelled, "of any type");
}

#[tokio::test]
async fn an_ended_job_stays_as_it_ended() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let claim = rig.take("t").await;
    rig.end(claim, success("1")).await;
    rig.hand.get::<()>(&["SET", &rig.queue.keys().cancel(id), "1"]).await;
    assert_eq!(rig.state(id).await, State::Succeeded);
    let answer = rig.queue.cancel(id, None, None).await.expect("an answer");
    assert_eq!(answer, Cancelled::Ended(State::Succeeded));
    assert_eq!(rig.hand.get::<i64>(&["EXISTS", &rig.queue.keys().cancel(id)]).await, 0, "the stray key is gone");
}

#[tokio::test]
async fn a_hand_set_key_stops_a_delayed_job_when_its_time_comes() {
    let rig = Rig::start().await;
    let id = rig.submit(Submit { delay_ms: 60_000, ..job("t") }).await;
    rig.hand.get::<()>(&["SET", &rig.queue.keys().cancel(id), "1"]).await;
    rig.let_due(id).await;
    rig.sweep().await;
    let state: String = rig.hand.get(&["HGET", &rig.queue.keys().job(id), "state"]).await;
    assert_eq!(state, "cancelled");
}
