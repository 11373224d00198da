//! A cluster: the queue on the node that has its slot, and on the next one.

use dayfly_common::{model::State, queue::QueueError};
use dayfly_tests::{
    Cluster, eventually_async,
    rig::{Rig, job, success, task},
    walk,
};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

async fn rig() -> Rig<Cluster> {
    Rig::on(Cluster::start().await).await
}

#[tokio::test]
async fn the_core_of_the_queue_works_before_and_after_a_primary_is_killed() {
    let mut rig = rig().await;
    walk(&rig, "before").await;
    let waiting = rig.submit(job("t")).await;
    let held = rig.take("t").await;
    let mut wake = rig.queue.wake_listener().await.expect("a listener");
    let mut events = rig.queue.event_reader().await.expect("a reader");
    let old = rig.server.owner().await;
    assert_eq!(rig.hand.get::<i64>(&["WAIT", "1", "5000"]).await, 1);
    rig.server.nodes[old].kill();
    rig.server.another_than(old).await;
    rig.reach_anew().await;
    eventually_async("the job is found", LONG, async || rig.queue.job(waiting).await.ok().flatten()).await;
    wake.wait(&[task("t")], LONG).await.expect_err("of the old primary");
    events.next().await.expect_err("of the old primary");
    rig.end(held, success("1")).await;
    assert_eq!(rig.state(waiting).await, State::Succeeded);
    rig.let_claims_be_given().await;
    walk(&rig, "after").await;
}

#[tokio::test]
async fn a_slot_that_moves_is_waited_for_and_followed_with_all_it_holds() {
    let mut rig = rig().await;
    let (from, to) = (rig.server.owner().await, 0);
    assert_ne!(from, to);
    let waiting = rig.submit(job("t")).await;
    let other = rig.submit(job("u")).await;
    let held = rig.take("u").await;
    let mut wake = rig.queue.wake_listener().await.expect("a listener");
    assert_eq!(rig.server.get::<Vec<redis::Value>>(to, &["FUNCTION", "LIST"]).await, []);
    rig.server.begin_move(from, to).await;
    // Half of the keys may be here and half of them there: nothing is done.
    let late = job("t");
    let error = rig.queue.submit(&late).await.expect_err("it is on its way");
    assert!(matches!(&error, QueueError::Refused(said) if said.starts_with("ASK")), "{error:?}");
    rig.server.end_move(from, to).await;
    rig.reach_anew().await;
    rig.queue.submit(&late).await.expect("accepted");
    assert_eq!(rig.state(waiting).await, State::Queued);
    rig.end(held, success("1")).await;
    assert_eq!(rig.state(other).await, State::Succeeded);
    wake.wait(&[task("t")], LONG).await.expect_err("of the old owner");
    let claim = rig.take("t").await;
    assert_eq!(claim.id, waiting, "its place in the queue came with it");
    rig.end(claim, success("1")).await;
    let claim = rig.take("t").await;
    rig.end(claim, success("1")).await;
    walk(&rig, "after").await;
    // Back again, so quickly that nobody has noticed: the first refusal names the new owner.
    rig.server.begin_move(to, from).await;
    rig.server.end_move(to, from).await;
    rig.queue.submit(&job("t")).await.expect("accepted");
}

#[tokio::test]
async fn a_node_of_a_cluster_alone_says_what_to_write() {
    let cluster = Cluster::start().await;
    let mut alone = dayfly_tests::rig::settings(&cluster.nodes[0].url());
    alone.command_deadline = Duration::from_secs(2);
    let queue = dayfly_common::queue::Queue::new(&alone).expect("good settings");
    let error = queue.submit(&job("t")).await.expect_err("the slot is elsewhere");
    assert!(error.to_string().contains("redis-cluster://"), "{error}");
}
