//! Sweep: what nobody finished is put right, within its bounds and without haste.

use dayfly_common::{
    model::{ErrorKind, Outcome, State},
    queue::{Finished, Submit},
};
use dayfly_tests::{
    Server,
    rig::{Hand, Rig, ask, job, task},
};

#[tokio::test]
async fn a_lost_job_runs_again_in_its_old_place_until_it_was_lost_too_often() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let ready_at = rig.job(id).await.record.ready_at;
    for lost in 1..=2 {
        let claim = rig.take("t").await;
        assert_eq!(claim.waited_ms().is_some(), lost == 1, "what comes back did not wait all the while");
        rig.expire_lease(id).await;
        rig.sweep().await;
        let view = rig.job(id).await;
        assert_eq!((view.record.state, view.record.lost, view.record.ready_at), (State::Queued, lost, ready_at));
        assert_eq!(view.attempts.last().expect("an attempt").outcome, "lost");
        let late = rig.end(claim, Outcome::Drained).await;
        assert_eq!(late, Finished::Fenced, "what comes late is refused");
    }
    rig.take("t").await;
    rig.expire_lease(id).await;
    rig.sweep().await;
    let record = rig.job(id).await.record;
    assert_eq!((record.state, record.lost), (State::Failed, 3));
    let error = record.error.expect("an error");
    assert_eq!((error.kind, error.retryable), (ErrorKind::Lost, false));
    assert_eq!(rig.hand.get::<i64>(&["EXISTS", &rig.queue.keys().held("w"), &rig.queue.keys().leases()]).await, 0);
}

#[tokio::test]
async fn lost_retries_of_the_task_reach_the_sweep_by_the_claim() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let mut once = ask("w", &["t"], 1);
    once.tasks[0].lost_retries = 0;
    rig.queue.claim(&once).await.expect("an answer");
    rig.expire_lease(id).await;
    rig.sweep().await;
    assert_eq!(rig.state(id).await, State::Failed);
}

#[tokio::test]
async fn a_lost_job_with_a_cancel_is_cancelled() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    rig.take("t").await;
    rig.queue.cancel(id, None, None).await.expect("asked");
    rig.expire_lease(id).await;
    rig.sweep().await;
    assert_eq!(rig.state(id).await, State::Cancelled);
}

#[tokio::test]
async fn due_jobs_are_queued_and_expired_ones_failed() {
    let rig = Rig::start().await;
    let due = rig.submit(Submit { delay_ms: 60_000, priority: 1, ..job("t") }).await;
    let expired = rig.submit(Submit { expires_ms: Some(60_000), ..job("t") }).await;
    let never = rig.submit(Submit { delay_ms: 60_000, expires_ms: Some(30_000), ..job("t") }).await;
    rig.let_due(due).await;
    rig.let_expire(expired).await;
    rig.let_expire(never).await;
    rig.sweep().await;
    assert_eq!(rig.state(due).await, State::Queued);
    for id in [expired, never] {
        let record = rig.job(id).await.record;
        assert_eq!((record.state, record.error.expect("an error").kind), (State::Failed, ErrorKind::Expired));
    }
    assert_eq!(rig.take("t").await.id, due);
}

#[tokio::test]
async fn a_job_that_has_run_does_not_expire() {
    let rig = Rig::start().await;
    let id = rig.submit(Submit { expires_ms: Some(60_000), ..job("t") }).await;
    let claim = rig.take("t").await;
    rig.end(claim, Outcome::Drained).await;
    rig.hand.get::<i64>(&["HSET", &rig.queue.keys().job(id), "expires_at", "1"]).await;
    rig.sweep().await;
    assert_eq!(rig.take("t").await.id, id);
}

#[tokio::test]
async fn every_unpaused_queue_that_holds_work_gets_its_token_back() {
    let rig = Rig::start().await;
    for name in ["a", "b"] {
        rig.submit(job(name)).await;
    }
    let keys = rig.queue.keys();
    rig.hand.get::<i64>(&["SADD", &keys.paused(), "b"]).await;
    rig.hand.get::<i64>(&["SADD", &keys.queues(), "empty"]).await;
    for name in ["a", "b"] {
        rig.hand.get::<i64>(&["DEL", &keys.wake(&task(name))]).await;
    }
    rig.sweep().await;
    assert_eq!(rig.hand.get::<i64>(&["LLEN", &keys.wake(&task("a"))]).await, 1);
    assert_eq!(rig.hand.get::<i64>(&["LLEN", &keys.wake(&task("b"))]).await, 0);
    assert_eq!(rig.hand.get::<i64>(&["SISMEMBER", &keys.queues(), "empty"]).await, 0);
}

#[tokio::test]
async fn it_does_nothing_within_a_second_of_the_last() {
    let rig = Rig::start().await;
    rig.sweep().await;
    let id = rig.submit(job("t")).await;
    rig.take("t").await;
    rig.expire_lease(id).await;
    let now: Vec<String> = rig.hand.get(&["TIME"]).await;
    // As if the last sweep were a moment ago, however slow this test is.
    rig.hand.get::<i64>(&["HSET", &rig.queue.keys().sweep(), "last", &format!("{}999", now[0])]).await;
    rig.queue.sweep().await.expect("swept");
    let state = rig.state(id).await;
    assert!(state == State::Running, "{state}");
}

#[tokio::test]
async fn after_a_pause_a_clock_jump_or_a_restart_no_lease_is_taken_for_one_ttl() {
    // Each write on disk before its answer, for this server is killed.
    let mut rig = Rig::on(Server::start_with(&["--appendfsync", "always"])).await;
    let sweep = rig.queue.keys().sweep();
    let id = rig.submit(job("t")).await;
    let claim = rig.take("t").await;
    rig.beat(&[&claim]).await;
    rig.expire_lease(id).await;
    for last in ["1", "99999999999999"] {
        rig.hand.get::<i64>(&["HDEL", &sweep, "hold_until"]).await;
        rig.hand.get::<i64>(&["HSET", &sweep, "last", last]).await;
        rig.queue.sweep().await.expect("swept");
        assert_eq!(rig.state(id).await, State::Running, "last sweep at {last}");
        rig.sweep().await;
        assert_eq!(rig.state(id).await, State::Running, "still held");
    }
    rig.hand.get::<i64>(&["HDEL", &sweep, "hold_until"]).await;
    rig.server.restart();
    rig.hand = Hand::of(&rig.server.url()).await;
    rig.sweep().await;
    assert_eq!(rig.state(id).await, State::Running, "another run of the server");

    rig.hand.get::<i64>(&["HSET", &sweep, "hold_until", "1"]).await;
    rig.sweep().await;
    assert_eq!(rig.state(id).await, State::Queued, "the hold is over");
}

#[tokio::test]
async fn a_lease_further_ahead_than_any_ttl_is_brought_back() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let claim = rig.take("t").await;
    rig.beat(&[&claim]).await;
    let keys = rig.queue.keys();
    rig.hand.get::<i64>(&["ZADD", &keys.leases(), "XX", "99999999999999", &id.to_string()]).await;
    rig.sweep().await;
    let lease: f64 = rig.hand.get(&["ZSCORE", &keys.leases(), &id.to_string()]).await;
    assert!(lease < 9e12, "{lease}");
}

#[tokio::test]
async fn indexes_lose_the_names_of_jobs_whose_retention_is_over() {
    let rig = Rig::start().await;
    let keys = rig.queue.keys();
    let kept = rig.submit(job("t")).await;
    rig.queue.cancel(kept, None, None).await.expect("cancelled");
    let index = keys.finished(State::Cancelled);
    for gone in 0..350 {
        // Older and younger than the one that is kept.
        let score = if gone % 2 == 0 { gone } else { 9_999_999_999_999_i64 + gone };
        let id = dayfly_common::model::JobId::now().to_string();
        rig.hand.get::<i64>(&["ZADD", &index, &score.to_string(), &id]).await;
    }
    for _ in 0..8 {
        rig.sweep().await;
    }
    let left: Vec<String> = rig.hand.get(&["ZRANGE", &index, "0", "-1"]).await;
    assert_eq!(left, [kept.to_string()]);
}
