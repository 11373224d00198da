//! Replicas: what counts only once they have it, and what is held back after one of them has taken over.

use dayfly_common::{
    model::State,
    queue::{Finished, Queue, QueueError, RedisSettings, Submitted},
};
use dayfly_tests::{
    Server, eventually_async,
    rig::{Hand, Rig, ask, job, settings, success},
};
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(20);

/// A primary with a replica that has all its data.
async fn pair() -> (Rig, Server, Hand) {
    let rig = Rig::start().await;
    rig.queue.ensure_library().await.expect("loaded");
    let replica = Server::start_with(&["--replicaof", "127.0.0.1", &rig.server.port().to_string()]);
    let hand = Hand::of(&replica.url()).await;
    in_step(&rig, &hand).await;
    (rig, replica, hand)
}

/// Waits until the replica has all that the primary has.
async fn in_step(rig: &Rig, replica: &Hand) {
    eventually_async("the replica has everything", BOUND, || async {
        let here: String = rig.hand.get(&["INFO", "replication"]).await;
        let there: String = replica.get(&["INFO", "replication"]).await;
        let field = |text: &str, name: &str| text.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
        let same = field(&here, "master_repl_offset:") == field(&there, "slave_repl_offset:");
        (same && field(&there, "master_link_status:").as_deref() == Some("up")).then_some(())
    })
    .await;
}

fn waiting_for(rig: &Rig, replicas: u32) -> Queue {
    Queue::new(&RedisSettings { wait_replicas: replicas, ..settings(&rig.server.url()) }).expect("a queue")
}

#[tokio::test]
async fn what_a_replica_has_confirmed_counts() {
    let (rig, _replica, hand) = pair().await;
    let queue = waiting_for(&rig, 1);
    let wanted = job("t");
    assert!(matches!(queue.submit(&wanted).await, Ok(Submitted::Created(_))));
    // No wait here: the answer itself says that the replica has it.
    assert_eq!(hand.get::<i64>(&["EXISTS", &queue.keys().job(wanted.id)]).await, 1);
    let claim = queue.claim(&ask("w", &["t"], 1)).await.expect("an answer").claims.remove(0);
    assert_eq!(hand.get::<i64>(&["ZCARD", &queue.keys().leases()]).await, 1);
    rig.beat(&[&claim]).await;
    let (ends, _) = queue.finish(&[claim.finish("w", success("1"))], None).await.expect("an answer");
    assert_eq!(ends, [Finished::Done(State::Succeeded)]);
    assert_eq!(hand.get::<String>(&["HGET", &queue.keys().job(wanted.id), "state"]).await, "succeeded");
}

#[tokio::test]
async fn what_too_few_have_is_an_error_each_time_it_is_sent() {
    let (rig, _replica, _) = pair().await;
    let queue = waiting_for(&rig, 2);
    let (wanted, gone) = (job("t"), job("other"));
    rig.submit(gone.clone()).await;
    // The second time it writes nothing of its own, and on a fresh connection `WAIT` would answer at once.
    for _ in 0..2 {
        let error = queue.submit(&wanted).await.expect_err("one replica of two");
        assert!(matches!(error, QueueError::NotReplicated { got: 1, wanted: 2 }), "{error}");
        let fresh = waiting_for(&rig, 2);
        assert!(matches!(fresh.submit(&wanted).await, Err(QueueError::NotReplicated { .. })));
    }
    for _ in 0..2 {
        let cancelled = queue.cancel(gone.id, None, None).await;
        assert!(matches!(cancelled, Err(QueueError::NotReplicated { got: 1, wanted: 2 })), "{cancelled:?}");
    }
    assert_eq!(rig.state(gone.id).await, State::Cancelled, "done on the primary");
    let claimed = queue.claim(&ask("w", &["t"], 1)).await;
    assert!(
        matches!(claimed, Err(QueueError::NotReplicated { .. })),
        "a claim that may be undone must not be acted on"
    );
    rig.queue.sweep().await.expect("what needs no replica goes on");
}

/// Promotes the replica as a failover does; gives a rig-like queue on it. `claimed`: a job is claimed on the old primary
/// meanwhile, which the new one never hears of.
async fn failed_over(wait_replicas: u32) -> (Rig, Server, Hand, Queue) {
    let (rig, replica, hand) = pair().await;
    let queue = waiting_for(&rig, wait_replicas);
    let id = rig.submit(job("t")).await;
    let beat = dayfly_common::queue::Beat {
        presence: dayfly_tests::rig::presence("w", &["t"]),
        held: Vec::new(),
        ttl_ms: 60_000,
    };
    queue.heartbeat(&beat).await.expect("it beats");
    in_step(&rig, &hand).await;
    hand.get::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    let lost = rig.take("t").await;
    assert_eq!(lost.id, id);
    let there = Queue::new(&settings(&replica.url())).expect("a queue");
    (rig, replica, hand, there)
}

#[tokio::test]
async fn after_a_failover_no_job_is_given_for_one_ttl() {
    let (_old, _replica, hand, queue) = failed_over(0).await;
    let one = ask("other", &["t"], 1);
    let claimed = queue.claim(&one).await.expect("an answer");
    assert!(claimed.claims.is_empty(), "its claim was undone; it may be running: {claimed:?}");
    assert!(claimed.next_due_ms.is_some_and(|ms| (50_000..=60_000).contains(&ms)), "{claimed:?}");
    assert!(queue.claim(&one).await.expect("an answer").claims.is_empty(), "nor a moment later");
    hand.get::<i64>(&["HSET", &queue.keys().sweep(), "claims_from", "1"]).await;
    assert_eq!(queue.claim(&one).await.expect("an answer").claims.len(), 1, "the time is over");
}

#[tokio::test]
async fn claims_that_replicas_confirmed_need_no_such_pause() {
    let (_old, _replica, _, queue) = failed_over(1).await;
    assert_eq!(queue.claim(&ask("other", &["t"], 1)).await.expect("an answer").claims.len(), 1);
}

#[tokio::test]
async fn a_restart_alone_holds_no_claims_back() {
    let mut rig = Rig::on(Server::start_with(&["--appendfsync", "always"])).await;
    rig.submit(job("t")).await;
    rig.sweep().await;
    rig.server.restart();
    assert_eq!(rig.claim(&["t"], 1).await.claims.len(), 1);
}
