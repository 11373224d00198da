//! Connections: a server that is away, slow, full or restarted is told apart, and the pool recovers by itself.

use dayfly_common::{
    model::State,
    queue::{Queue, QueueError},
};
use dayfly_tests::{
    eventually_async,
    rig::{Rig, ask, job, settings, success},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::time::Duration;

fn hurried(rig: &Rig) -> Queue {
    let mut hurried = settings(&rig.server.url());
    hurried.command_deadline = Duration::from_millis(300);
    Queue::new(&hurried).expect("good settings")
}

fn signal(rig: &Rig, signal: Signal) {
    let pid = rig.server.pid().expect("it runs").cast_signed();
    kill(Pid::from_raw(pid), signal).expect("sent");
}

#[tokio::test]
async fn a_server_that_is_away_is_unreachable_and_its_return_is_noticed() {
    let mut rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    rig.server.kill();
    let error = rig.queue.job(id).await.expect_err("nobody is there");
    assert!(matches!(error, QueueError::Unreachable(_)), "{error:?}");
    rig.server.restart();
    // Every pooled connection is dead; no caller sees it.
    let all = (0..8).map(|_| rig.queue.ping());
    for answer in futures_util::future::join_all(all).await {
        answer.expect("an answer");
    }
}

#[tokio::test]
async fn a_frozen_server_is_slow_and_late_answers_reach_nobody() {
    let rig = Rig::start().await;
    let queue = hurried(&rig);
    let one = rig.submit(job("t")).await;
    let other = rig.submit(job("u")).await;
    assert_eq!(queue.job(one).await.expect("an answer").expect("a job").record.id, one);
    signal(&rig, Signal::SIGSTOP);
    let error = queue.job(one).await.expect_err("frozen");
    assert!(matches!(error, QueueError::Slow(_) | QueueError::Unreachable(_)), "{error:?}");
    // A caller that gives up by itself leaves its answer behind, too.
    let given_up = tokio::time::timeout(Duration::from_millis(50), queue.job(one)).await;
    assert!(given_up.is_err());
    signal(&rig, Signal::SIGCONT);
    let view = eventually_async("an answer", Duration::from_secs(10), async || queue.job(other).await.ok()).await;
    assert_eq!(view.expect("a job").record.task.as_str(), "u");
}

#[tokio::test]
async fn a_full_server_takes_no_new_job_but_lets_those_it_has_go_on() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let running = rig.submit(job("t")).await;
    rig.hand.get::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let error = rig.queue.submit(&job("t")).await.expect_err("full");
    assert!(matches!(&error, QueueError::Refused(said) if said.starts_with("OOM")), "{error:?}");
    let claim = rig.take("t").await;
    rig.beat(&[&claim]).await;
    rig.end(claim, success("1")).await;
    assert_eq!(rig.state(id).await, State::Succeeded);
    rig.queue.cancel(running, None, None).await.expect("cancelled");
    rig.sweep().await;
}

#[tokio::test]
async fn a_replica_refuses_writes() {
    let rig = Rig::start().await;
    rig.queue.ensure_library().await.expect("loaded");
    rig.hand.get::<()>(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let error = rig.queue.submit(&job("t")).await.expect_err("read-only");
    assert!(matches!(error, QueueError::Refused(_)), "{error:?}");
    rig.hand.get::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    rig.queue.submit(&job("t")).await.expect("accepted");
}

#[tokio::test]
async fn an_operation_is_one_command_and_nothing_else() {
    let rig = Rig::start().await;
    for _ in 0..3 {
        rig.submit(job("t")).await;
    }
    let mut claim = rig.take("t").await;
    rig.hand.get::<()>(&["CONFIG", "RESETSTAT"]).await;
    for _ in 0..2 {
        let end = claim.finish("w", success("1"));
        let (_, claimed) = rig.queue.finish(&[end], Some(&ask("w", &["t"], 1))).await.expect("an answer");
        claim = claimed.expect("asked for").claims.remove(0);
    }
    let stats: String = rig.hand.get(&["INFO", "commandstats"]).await;
    let from_clients = |name: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
        line.map_or(0, |rest| rest.split(',').next().expect("a number").parse::<u32>().expect("a number"))
    };
    assert_eq!(from_clients("fcall"), 4, "two finishes and two claims");
    assert_eq!((from_clients("ping"), from_clients("unwatch")), (0, 0), "no question before a use");
}
