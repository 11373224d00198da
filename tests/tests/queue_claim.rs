//! Claim: what a worker gets, in which order, and only once.

use dayfly_common::{
    model::{ErrorKind, State},
    queue::Submit,
};
use dayfly_tests::rig::{Rig, TTL_MS, ask, job, task};

#[tokio::test]
async fn a_claim_holds_a_lease_and_all_a_worker_needs() {
    let rig = Rig::start().await;
    let one = Submit { timeout_ms: Some(9_000), retries: Some(1), trace: Some("00-ab".into()), ..job("t") };
    rig.submit(one.clone()).await;
    let claim = rig.take("t").await;
    assert_eq!((claim.id, &claim.task, &claim.input), (one.id, &one.task, &one.input));
    assert_eq!((claim.timeout_ms, claim.retries, claim.failures), (9_000, Some(1), 0));
    assert_eq!((claim.fence.attempt, claim.trace.as_deref()), (1, Some("00-ab")));
    let record = rig.job(one.id).await.record;
    assert_eq!((record.state, record.worker.as_deref()), (State::Running, Some("w")));
    assert_eq!(record.started_at, Some(claim.started_at));
    assert_eq!(record.deadline_at, Some(claim.started_at + 9_000));
    assert_eq!(record.lease, Some(claim.started_at + TTL_MS.cast_signed()));
    let lease: i64 = rig.hand.get(&["ZSCORE", &rig.queue.keys().leases(), &one.id.to_string()]).await;
    assert_eq!(Some(lease), record.lease);
}

#[tokio::test]
async fn the_same_nonce_gives_the_same_job_again_and_no_other() {
    let rig = Rig::start().await;
    for _ in 0..3 {
        rig.submit(job("t")).await;
    }
    let one = ask("w", &["t"], 1);
    let first = rig.queue.claim(&one).await.expect("an answer").claims;
    let again = rig.queue.claim(&one).await.expect("an answer").claims;
    assert_eq!((again.len(), again[0].id, &again[0].fence), (1, first[0].id, &first[0].fence));
    assert_eq!((again[0].timeout_ms, &again[0].input), (first[0].timeout_ms, &first[0].input));
    assert_eq!(rig.hand.get::<i64>(&["ZCARD", &rig.queue.keys().leases()]).await, 1);
    let mut wider = one.clone();
    wider.nonces.extend(ask("w", &["t"], 1).nonces);
    assert_eq!(rig.queue.claim(&wider).await.expect("an answer").claims.len(), 2, "one again, one new");
}

#[tokio::test]
async fn most_urgent_first_then_the_oldest_then_tasks_by_turns() {
    let rig = Rig::start().await;
    let mut ids = Vec::new();
    for (name, priority) in [("a", 5), ("a", 5), ("b", 5), ("b", 0), ("a", 9), ("b", 5)] {
        ids.push(rig.submit(Submit { priority, ..job(name) }).await);
    }
    let got: Vec<_> = rig.claim(&["a", "b"], 9).await.claims.iter().map(|claim| claim.id).collect();
    assert_eq!(got, [3, 0, 2, 1, 5, 4].map(|at| ids[at]));
}

#[tokio::test]
async fn a_worker_gets_only_its_tasks_and_none_that_is_paused() {
    let rig = Rig::start().await;
    let (a, b) = (rig.submit(job("a")).await, rig.submit(job("b")).await);
    assert!(rig.queue.set_paused(&task("a"), true).await.expect("an answer"));
    assert!(rig.claim(&["a", "c"], 2).await.claims.is_empty());
    assert_eq!(rig.claim(&["a", "b"], 2).await.claims[0].id, b);
    assert!(rig.queue.set_paused(&task("a"), false).await.expect("an answer"));
    assert!(!rig.queue.set_paused(&task("a"), false).await.expect("an answer"));
    assert_eq!(rig.take("a").await.id, a);
}

#[tokio::test]
async fn a_due_job_is_promoted_by_the_claim_itself_which_tells_the_next() {
    let rig = Rig::start().await;
    let soon = rig.submit(Submit { delay_ms: 60_000, ..job("t") }).await;
    let next = rig.claim(&["t"], 1).await.next_due_ms.expect("one is due");
    assert!((55_000..=60_000).contains(&next), "{next}");
    rig.let_due(soon).await;
    let claimed = rig.claim(&["t"], 1).await;
    assert_eq!(claimed.claims[0].id, soon);
    assert_eq!(claimed.next_due_ms, None);
}

#[tokio::test]
async fn heads_that_are_cancelled_or_expired_are_settled_and_skipped() {
    let rig = Rig::start().await;
    let cancelled = rig.submit(job("t")).await;
    let expired = rig.submit(Submit { expires_ms: Some(60_000), ..job("t") }).await;
    let good = rig.submit(job("t")).await;
    rig.hand.get::<()>(&["SET", &rig.queue.keys().cancel(cancelled), "please"]).await;
    rig.let_expire(expired).await;
    assert_eq!(rig.take("t").await.id, good);
    assert_eq!(rig.state(cancelled).await, State::Cancelled);
    let record = rig.job(expired).await.record;
    assert_eq!(record.state, State::Failed);
    assert_eq!(record.error.expect("an error").kind, ErrorKind::Expired);
}

#[tokio::test]
async fn more_than_a_hundred_cancelled_heads_cut_a_claim_short() {
    let rig = Rig::start().await;
    for _ in 0..130 {
        let id = rig.submit(job("t")).await;
        rig.hand.get::<()>(&["SET", &rig.queue.keys().cancel(id), ""]).await;
    }
    let good = rig.submit(job("t")).await;
    let first = rig.claim(&["t"], 1).await;
    assert!(first.claims.is_empty() && first.more);
    let second = rig.claim(&["t"], 1).await;
    assert_eq!((second.claims[0].id, second.more), (good, false));
}

#[tokio::test]
async fn the_token_is_there_exactly_while_claimable_work_is() {
    let rig = Rig::start().await;
    let wake = rig.queue.keys().wake(&task("t"));
    for _ in 0..3 {
        rig.submit(job("t")).await;
    }
    assert_eq!(rig.hand.get::<i64>(&["LLEN", &wake]).await, 1, "one, however many jobs");
    rig.hand.get::<()>(&["DEL", &wake]).await;
    rig.take("t").await;
    assert_eq!(rig.hand.get::<i64>(&["LLEN", &wake]).await, 1, "re-armed: others may be idle");
    rig.claim(&["t"], 2).await;
    assert_eq!(rig.hand.get::<i64>(&["LLEN", &wake]).await, 0, "nothing is left to wake for");
}
