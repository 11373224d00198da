//! Three jobs on keys of their own, which leave nothing behind.

use crate::examined::{TASK, command, examine};
use dayfly_tests::{Server, eventually, eventually_async, processes_with, queue, rig::Hand};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{process::Stdio, time::Duration};

async fn keys(hand: &Hand) -> Vec<String> {
    let mut keys: Vec<String> = hand.get(&["KEYS", "*"]).await;
    keys.sort();
    keys
}

#[tokio::test]
async fn a_job_is_run_timed_out_and_cancelled_beside_the_installation() {
    let server = Server::start_with(&["--maxmemory", "100mb"]);
    queue(&server.url()).sweep().await.expect("a sweep");
    let hand = Hand::of(&server.url()).await;
    // A user without more than the installation's own keys.
    hand.send::<()>(&["ACL", "SETUSER", "app", "on", ">word", "~dayfly:*", "&dayfly:*", "+@all"])
        .await
        .expect("a user");
    let before = keys(&hand).await;
    let found = examine(&format!("redis://app:word@127.0.0.1:{}/0", server.port()), TASK, &[]);
    found.must_have("trial.run", "ok", &["a job ran"]);
    found.must_have("trial.timeout", "ok", &["at its deadline"]);
    found.must_have("trial.cancel", "ok", &["cancelled"]);
    assert_eq!(found.code, Some(0));
    assert_eq!(keys(&hand).await, before, "nothing is left, and nothing of the installation has gone");
}

#[tokio::test]
async fn a_right_that_only_functions_need_is_found_by_the_trial() {
    let server = Server::start();
    queue(&server.url()).ensure_library().await.expect("the library");
    let hand = Hand::of(&server.url()).await;
    hand.send::<()>(&["ACL", "SETUSER", "app", "on", ">word", "~dayfly:*", "&dayfly:*", "+@all", "-zadd"])
        .await
        .expect("a user");
    let found = examine(&format!("redis://app:word@127.0.0.1:{}/0", server.port()), TASK, &[]);
    found.must_have("trial", "fail", &["dayfly_submit", "ACL LOG", "docs/redis.md"]);
}

#[tokio::test]
async fn ctrl_c_leaves_nothing_behind() {
    let server = Server::start();
    let hand = Hand::of(&server.url()).await;
    let dir = tempfile::tempdir().expect("a folder");
    let mut doctor = command(&server.url(), dir.path(), TASK, &[]);
    let mut doctor = doctor.stdout(Stdio::piped()).spawn().expect("dayfly runs");
    let leases = eventually_async("a job of the trial runs", Duration::from_secs(30), || async {
        keys(&hand).await.into_iter().find(|key| key.ends_with("leases"))
    })
    .await;
    let ids: Vec<String> = hand.get(&["ZRANGE", &leases, "0", "-1"]).await;
    kill(Pid::from_raw(doctor.id().cast_signed()), Signal::SIGINT).expect("it is there");
    let status = eventually("it ends", Duration::from_secs(30), || doctor.try_wait().expect("wait"));
    assert_eq!(status.code(), Some(130));
    assert_eq!(keys(&hand).await, Vec::<String>::new());
    for id in ids {
        assert_eq!(processes_with(&id), Vec::<i32>::new());
    }
}
