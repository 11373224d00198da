//! Recovery: what a dead worker held is queued again at once, as lost, and nobody else's jobs are touched.

use dayfly_common::{
    model::{Outcome, State},
    queue::{Finished, Verdict},
};
use dayfly_tests::rig::{Rig, ask, job, success};

#[tokio::test]
async fn all_that_a_dead_worker_held_is_queued_again_as_lost() {
    let rig = Rig::start().await;
    let (first, second) = (rig.submit(job("t")).await, rig.submit(job("t")).await);
    let other = rig.submit(job("other")).await;
    let claims = rig.claim(&["t"], 2).await.claims;
    rig.queue.claim(&ask("living", &["other"], 1)).await.expect("an answer");
    assert_eq!(rig.queue.recover("w").await.expect("an answer"), 2);
    for id in [first, second] {
        let view = rig.job(id).await;
        assert_eq!((view.record.state, view.record.lost), (State::Queued, 1));
        assert_eq!(view.attempts.last().expect("an attempt").outcome, "lost");
    }
    assert_eq!(rig.state(other).await, State::Running, "another worker's job");
    let keys = rig.queue.keys();
    assert_eq!(rig.hand.get::<i64>(&["EXISTS", &keys.held("w"), &keys.worker("w")]).await, 0);
    assert_eq!(rig.hand.get::<i64>(&["ZCARD", &keys.leases()]).await, 1);
    assert_eq!(rig.queue.recover("w").await.expect("an answer"), 0, "sent again, it finds nothing");
    // What the dead worker sent before it died and comes late is refused.
    assert_eq!(rig.beat(&[&claims[0]]).await.verdicts, [Verdict::Lost]);
    for claim in claims {
        assert_eq!(rig.end(claim, success("1")).await, Finished::Fenced);
    }
}

#[tokio::test]
async fn a_job_that_was_lost_too_often_fails_and_one_with_a_cancel_is_cancelled() {
    let rig = Rig::start().await;
    let worn = rig.submit(job("t")).await;
    let mut once = ask("w", &["t"], 1);
    once.tasks[0].lost_retries = 0;
    rig.queue.claim(&once).await.expect("an answer");
    let unwanted = rig.submit(job("t")).await;
    rig.take("t").await;
    rig.queue.cancel(unwanted, None, None).await.expect("asked");
    assert_eq!(rig.queue.recover("w").await.expect("an answer"), 2);
    assert_eq!((rig.state(worn).await, rig.state(unwanted).await), (State::Failed, State::Cancelled));
}

#[tokio::test]
async fn more_claims_than_one_call_takes() {
    let rig = Rig::start().await;
    for _ in 0..601 {
        rig.submit(job("t")).await;
    }
    let mut held = 0;
    while held < 601 {
        held += rig.claim(&["t"], 100).await.claims.len();
    }
    assert_eq!(rig.queue.recover("w").await.expect("an answer"), 601);
    assert_eq!(rig.hand.get::<i64>(&["ZCARD", &rig.queue.keys().queue(&"t".parse().expect("a name"))]).await, 601);
}

#[tokio::test]
async fn an_ended_job_stays_as_it_is() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let claim = rig.take("t").await;
    rig.end(claim, Outcome::Cancelled).await;
    assert_eq!(rig.queue.recover("w").await.expect("an answer"), 0);
    assert_eq!(rig.state(id).await, State::Cancelled);
}
