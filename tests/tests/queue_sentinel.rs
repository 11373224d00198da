//! Sentinels: the queue on the primary that they name, and on the next one after a failover.

use dayfly_common::{
    model::State,
    queue::{Queue, QueueError},
};
use dayfly_tests::{
    Backend as _, Sentinels, Server, eventually_async,
    rig::{Rig, job, settings, success, task},
    walk,
};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

async fn rig() -> Rig<Sentinels> {
    Rig::on(Sentinels::start().await).await
}

#[tokio::test]
async fn the_core_of_the_queue_works_before_and_after_a_primary_is_killed() {
    let mut rig = rig().await;
    walk(&rig, "before").await;
    let waiting = rig.submit(job("t")).await;
    let held = rig.take("t").await;
    let mut cancels = rig.queue.cancel_listener().await.expect("a listener");
    let mut events = rig.queue.event_reader().await.expect("a reader");
    let mut wake = rig.queue.wake_listener().await.expect("a listener");
    let old = rig.server.primary().await;
    let replicas: i64 = rig.hand.get(&["WAIT", "2", "5000"]).await;
    assert_eq!(replicas, 2);
    rig.server.servers[old].kill();
    let now = rig.server.another_than(old).await;
    assert_ne!(now, old);
    rig.reach_anew().await;
    // No caller has to do anything.
    eventually_async("the job is found", LONG, async || rig.queue.job(waiting).await.ok().flatten()).await;
    let error = tokio::time::timeout(LONG, cancels.next()).await.expect("in time").expect_err("of the old primary");
    assert!(matches!(error, QueueError::Unreachable(_)), "{error:?}");
    wake.wait(&[task("t")], LONG).await.expect_err("of the old primary");
    events.next().await.expect_err("of the old primary");
    rig.end(held, success("1")).await;
    assert_eq!(rig.state(waiting).await, State::Succeeded);
    rig.let_claims_be_given().await;
    walk(&rig, "after").await;
}

#[tokio::test]
async fn a_primary_that_hangs_is_followed_by_another_and_told_from_it_when_it_wakes() {
    let mut rig = rig().await;
    rig.submit(job("t")).await;
    let old = rig.server.primary().await;
    assert_eq!(rig.hand.get::<i64>(&["WAIT", "2", "5000"]).await, 2);
    let mut cancels = rig.queue.cancel_listener().await.expect("a listener");
    let pid = nix::unistd::Pid::from_raw(rig.server.servers[old].pid().expect("it runs").cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).expect("stopped");
    let mut quick = settings(&rig.server.url());
    quick.command_deadline = Duration::from_millis(1_500);
    let queue = Queue::new(&quick).expect("good settings");
    let begun = Instant::now();
    let error = queue.submit(&job("t")).await.expect_err("it hangs");
    assert!(matches!(error, QueueError::Unreachable(_) | QueueError::Slow(_)), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    rig.server.another_than(old).await;
    let accepted = job("t");
    eventually_async("a job is accepted", LONG, async || queue.submit(&accepted).await.ok()).await;
    // Whoever was listening to the old one learns of it, although its connection stands.
    rig.queue.ping().await.expect("an answer");
    let error = tokio::time::timeout(LONG, cancels.next()).await.expect("in time").expect_err("of the old primary");
    assert!(error.to_string().contains("another primary"), "{error}");
    // The old one still takes itself for a primary when it wakes: nobody believes it.
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).expect("continued");
    let fresh = Queue::new(&quick).expect("good settings");
    let found = eventually_async("an answer", LONG, async || fresh.job(accepted.id).await.ok()).await;
    assert!(found.is_some(), "it was accepted by the new primary");
    rig.reach_anew().await;
    rig.take("t").await;
}

#[tokio::test]
async fn sentinels_that_are_away_or_know_nothing_are_named() {
    let set = Sentinels::start().await;
    let unknown = set.url().replace("master=dayfly", "master=other");
    let error = Queue::new(&settings(&unknown)).expect("good settings").ping().await.expect_err("no such name");
    assert!(error.to_string().contains("`other`") && error.to_string().contains("No such master"), "{error}");
    // One that takes a replica for the primary is not believed.
    let replica = set.servers[1].port();
    let misled = Server::start_sentinel(&format!("sentinel monitor dayfly 127.0.0.1 {replica} 1\n"));
    let url = format!("redis-sentinel://127.0.0.1:{}?master=dayfly", misled.port());
    let error = Queue::new(&settings(&url)).expect("good settings").ping().await.expect_err("a replica");
    assert!(error.to_string().contains("not a primary"), "{error}");
    // Two of three are away: the third one is enough to find the primary.
    let mut set = set;
    let queue = Queue::new(&settings(&set.url())).expect("good settings");
    set.sentinels[0].kill();
    set.sentinels[1].kill();
    queue.ping().await.expect("an answer");
}
