//! The library: loads itself, gives way to a newer one, survives being flushed, and is usable by hand.

use dayfly_common::{
    model::State,
    queue::{Cancelled, Queue, QueueError, REVISION, Submitted},
};
use dayfly_tests::rig::{Rig, job, settings, success};

async fn revision(rig: &Rig) -> u32 {
    rig.hand.get(&["FCALL", "dayfly_version", "1", "dayfly:{0}:"]).await
}

fn with_revision(other: u32) -> String {
    let own = format!("local REVISION = {REVISION}\n");
    assert!(Queue::library().contains(&own));
    Queue::library().replace(&own, &format!("local REVISION = {other}\n"))
}

#[tokio::test]
async fn the_first_call_loads_it_even_when_many_come_at_once() {
    let rig = Rig::start().await;
    let jobs: Vec<_> = (0..8).map(|_| job("t")).collect();
    let all = jobs.iter().map(|job| rig.queue.submit(job));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.expect("accepted"), Submitted::Created(State::Queued));
    }
    assert_eq!(revision(&rig).await, REVISION);
}

#[tokio::test]
async fn a_flushed_library_comes_back_with_the_next_call() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    rig.hand.get::<()>(&["FUNCTION", "FLUSH"]).await;
    let claim = rig.take("t").await;
    rig.hand.get::<()>(&["FUNCTION", "FLUSH"]).await;
    rig.end(claim, success("1")).await;
    rig.hand.get::<()>(&["FUNCTION", "FLUSH"]).await;
    assert_eq!(rig.state(id).await, State::Succeeded);
}

#[tokio::test]
async fn an_older_one_is_replaced_and_a_newer_one_is_left() {
    let rig = Rig::start().await;
    for (there, after) in [(0, REVISION), (REVISION + 1, REVISION + 1)] {
        rig.hand.get::<String>(&["FUNCTION", "LOAD", "REPLACE", &with_revision(there)]).await;
        rig.queue.ensure_library().await.expect("there");
        assert_eq!(revision(&rig).await, after);
    }
}

#[tokio::test]
async fn it_survives_a_restart_of_the_server() {
    let mut rig = Rig::start().await;
    rig.queue.ensure_library().await.expect("loaded");
    rig.hand.get::<()>(&["CONFIG", "SET", "appendfsync", "always"]).await;
    rig.submit(job("t")).await;
    rig.server.restart();
    let hand = dayfly_tests::rig::Hand::of(&rig.server.url()).await;
    let there: u32 = hand.get(&["FCALL", "dayfly_version", "1", "dayfly:{0}:"]).await;
    assert_eq!(there, REVISION);
    assert_eq!(rig.claim(&["t"], 1).await.claims.len(), 1, "and the pool finds its way back");
}

#[tokio::test]
async fn without_the_right_to_load_the_error_says_what_to_do() {
    let rig = Rig::start().await;
    let rights = ["ACL", "SETUSER", "app", "on", ">secret", "~dayfly:*", "&dayfly:*", "+@all", "-function"];
    rig.hand.get::<()>(&rights).await;
    let url = rig.server.url().replace("redis://", "redis://app:secret@");
    let app = Queue::new(&settings(&url)).expect("good settings");
    let error = app.ensure_library().await.expect_err("not allowed");
    assert!(matches!(error, QueueError::NoLibrary(_)), "{error:?}");
    assert!(error.to_string().contains("+function|load"), "{error}");
    assert!(matches!(app.submit(&job("t")).await, Err(QueueError::NoLibrary(_))));
    rig.queue.ensure_library().await.expect("another loads it");
    app.submit(&job("t")).await.expect("and all is well");
}

#[tokio::test]
async fn an_application_needs_no_right_to_commands_of_the_server() {
    let rig = Rig::start().await;
    rig.queue.ensure_library().await.expect("loaded");
    let rights =
        ["ACL", "SETUSER", "app", "on", ">secret", "~dayfly:*", "&dayfly:*", "+@all", "-@admin", "-@dangerous"];
    rig.hand.get::<()>(&rights).await;
    let url = rig.server.url().replace("redis://", "redis://app:secret@");
    let app = Queue::new(&settings(&url)).expect("good settings");
    app.submit(&job("t")).await.expect("accepted");
    app.sweep().await.expect("swept");
    assert_eq!(app.tasks().await.expect("an answer")[0].queued, 1);
}

#[tokio::test]
async fn operators_call_it_by_hand_with_just_an_id() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await.to_string();
    let answer: Vec<String> = rig.hand.get(&["FCALL", "dayfly_cancel", "1", "dayfly:{0}:", &id]).await;
    assert_eq!(answer, ["now"]);
    let by_hand: Vec<String> = rig.hand.get(&["FCALL", "dayfly_submit", "1", "dayfly:{0}:", "my-own", "t", "{}"]).await;
    assert_eq!(by_hand[..2], ["created", "queued"]);
    for base in ["dayfly", "dayfly:", "dayfly:{0}"] {
        let refused = rig.hand.send::<Vec<String>>(&["FCALL", "dayfly_cancel", "1", base, &id]).await;
        let said = refused.expect_err("a wrong base").to_string();
        assert!(said.contains("dayfly:{0}:"), "{said}");
    }
    let said =
        rig.hand.send::<Vec<String>>(&["FCALL", "dayfly_submit", "1", "dayfly:{0}:", "x", "t", "{}", "11"]).await;
    assert!(said.expect_err("a wrong priority").to_string().contains("0 to 9"));
}

#[tokio::test]
async fn another_prefix_is_another_house() {
    let rig = Rig::start().await;
    let mut other = settings(&rig.server.url());
    other.prefix = "acme".into();
    let other = Queue::new(&other).expect("good settings");
    let id = rig.submit(job("t")).await;
    assert!(other.job(id).await.expect("an answer").is_none());
    assert_eq!(other.cancel(id, None, None).await.expect("an answer"), Cancelled::Unknown);
}
