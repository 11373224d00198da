//! Release: a claim given back costs the job nothing, and its nonce never takes another.

use dayfly_common::{
    model::State,
    queue::{Finished, Submit, Verdict},
};
use dayfly_tests::rig::{Rig, ask, job, success};

#[tokio::test]
async fn a_released_job_is_queued_again_in_its_place_and_its_fence_is_void() {
    let rig = Rig::start().await;
    let first = rig.submit(Submit { expires_ms: Some(60_000), ..job("t") }).await;
    rig.submit(job("t")).await;
    let one = ask("w", &["t"], 1);
    let claim = rig.queue.claim(&one).await.expect("an answer").claims.remove(0);
    rig.queue.release("w", &one.nonces).await.expect("given back");
    let view = rig.job(first).await;
    assert_eq!((view.record.state, view.queue_position), (State::Queued, Some(0)));
    assert_eq!((view.record.failures, view.record.lost, view.attempts.len()), (0, 0, 0));
    assert_eq!(rig.beat(&[&claim]).await.verdicts, [Verdict::Lost]);
    assert_eq!(rig.end(claim, success("1")).await, Finished::Fenced);
    let keys = rig.queue.keys();
    assert_eq!(rig.hand.get::<i64>(&["EXISTS", &keys.held("w"), &keys.leases()]).await, 0);
    let score: Option<f64> = rig.hand.get(&["ZSCORE", &keys.expiring(), &first.to_string()]).await;
    assert!(score.is_some(), "it has not started: its expiry still holds");
    assert_eq!(rig.take("t").await.fence.attempt, 2);
}

#[tokio::test]
async fn a_late_claim_with_a_released_nonce_gets_nothing() {
    let rig = Rig::start().await;
    rig.submit(job("t")).await;
    let one = ask("w", &["t"], 1);
    // The claim is still on its way when its worker gives up.
    rig.queue.release("w", &one.nonces).await.expect("remembered");
    assert!(rig.queue.claim(&one).await.expect("an answer").claims.is_empty());
    let left: i64 = rig.hand.get(&["PTTL", &rig.queue.keys().released(&one.nonces[0])]).await;
    assert!((1..=600_000).contains(&left), "remembered for a while: {left}");
    rig.queue.release("w", &one.nonces).await.expect("again");
    assert_eq!(rig.claim(&["t"], 1).await.claims.len(), 1, "a fresh nonce does");
}

#[tokio::test]
async fn a_release_of_a_cancelled_job_cancels_it() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let one = ask("w", &["t"], 1);
    rig.queue.claim(&one).await.expect("an answer");
    rig.queue.cancel(id, None, None).await.expect("asked");
    rig.queue.release("w", &one.nonces).await.expect("given back");
    assert_eq!(rig.state(id).await, State::Cancelled);
}

#[tokio::test]
async fn nobody_gives_back_what_another_holds() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let one = ask("w", &["t"], 1);
    rig.queue.claim(&one).await.expect("an answer");
    rig.queue.release("other", &one.nonces).await.expect("an answer");
    assert_eq!(rig.state(id).await, State::Running);
}
