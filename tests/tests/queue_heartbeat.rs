//! Heartbeat: leases renewed, verdicts heard, presence shown, and a sweep now and then.

use dayfly_common::{
    model::State,
    queue::{Beat, Verdict},
};
use dayfly_tests::rig::{Rig, TTL_MS, job, presence, success};

#[tokio::test]
async fn it_renews_what_is_held_and_says_what_is_lost() {
    let rig = Rig::start().await;
    for _ in 0..3 {
        rig.submit(job("t")).await;
    }
    let mut claims = rig.claim(&["t"], 3).await.claims;
    let keys = rig.queue.keys();
    rig.expire_lease(claims[0].id).await;
    let ended = claims.remove(2);
    let (id, fence) = (ended.id, ended.fence.clone());
    rig.end(ended, success("1")).await;
    let held = vec![
        dayfly_common::queue::Held { id, fence },
        dayfly_common::queue::Held { id: claims[0].id, fence: claims[0].fence.clone() },
        dayfly_common::queue::Held { id: claims[0].id, fence: claims[1].fence.clone() },
    ];
    let beat = Beat { presence: presence("w", &["t"]), held, ttl_ms: TTL_MS };
    let reply = rig.queue.heartbeat(&beat).await.expect("an answer");
    assert_eq!(reply.verdicts, [Verdict::Lost, Verdict::Ok, Verdict::Lost]);
    assert!(!reply.drain);
    let now: Vec<i64> = rig.hand.get(&["TIME"]).await;
    let lease: i64 = rig.hand.get(&["ZSCORE", &keys.leases(), &claims[0].id.to_string()]).await;
    let left = lease - now[0] * 1_000;
    assert!((40_000..=61_000).contains(&left), "renewed before the sweep saw it: {left}");
    assert_eq!(rig.job(claims[0].id).await.record.lease, Some(lease));
}

#[tokio::test]
async fn a_worker_is_seen_with_its_jobs_until_it_departs() {
    let rig = Rig::start().await;
    rig.submit(job("t")).await;
    let claim = rig.take("t").await;
    rig.beat(&[&claim]).await;
    let workers = rig.queue.workers().await.expect("an answer");
    assert_eq!(workers.len(), 1);
    assert_eq!((&workers[0].presence, &workers[0].jobs[..]), (&presence("w", &["t"]), &[claim.id][..]));
    assert!(workers[0].seen_at >= claim.started_at);
    assert_eq!(rig.job(claim.id).await.live_workers, 1);
    let keys = rig.queue.keys();
    let left: i64 = rig.hand.get(&["PTTL", &keys.worker("w")]).await;
    assert!((1..=10_000).contains(&left), "its presence ends by itself: {left}");

    rig.queue.depart("w").await.expect("gone");
    assert!(rig.queue.workers().await.expect("an answer").is_empty());
    assert_eq!(rig.job(claim.id).await.live_workers, 0);
    rig.queue.depart("w").await.expect("again");
}

#[tokio::test]
async fn an_operator_can_ask_a_worker_to_drain() {
    let rig = Rig::start().await;
    rig.beat(&[]).await;
    rig.hand.get::<i64>(&["HSET", &rig.queue.keys().worker("w"), "drain", "1"]).await;
    assert!(rig.beat(&[]).await.drain);
    assert!(rig.beat(&[]).await.drain, "until it is gone");
}

#[tokio::test]
async fn the_heartbeat_of_one_worker_takes_back_what_another_lost() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    rig.take("t").await;
    rig.expire_lease(id).await;
    rig.hand.get::<i64>(&["HDEL", &rig.queue.keys().sweep(), "last"]).await;
    let beat = Beat { presence: presence("another", &["t"]), held: Vec::new(), ttl_ms: TTL_MS };
    rig.queue.heartbeat(&beat).await.expect("an answer");
    assert_eq!(rig.state(id).await, State::Queued);
}
