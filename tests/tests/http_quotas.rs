//! Quotas of owners: how often they submit, and how much of theirs waits.

use dayfly_common::{
    model::Token,
    queue::{Quota, Submit, Submitted},
};
use dayfly_tests::{Api, Hand, answer, eventually_async, rig, task};
use futures_util::future::join_all;
use reqwest::Method;
use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

const BOUND: Duration = Duration::from_secs(10);

async fn api() -> Api {
    Api::start(vec![task("any"), task("other")]).await
}

async fn give(api: &Api, owner: &str, rate: Option<&str>, burst: Option<u64>, max_queued: Option<u64>) {
    let mut rate = rate.map(|rate| rate.parse::<dayfly_common::queue::Rate>().expect("a rate"));
    if let (Some(rate), Some(burst)) = (&mut rate, burst) {
        rate.burst = burst;
    }
    let quota = Quota { rate, max_queued, max_running: None };
    api.queue.set_quota(&owner.parse().expect("an owner"), &quota).await.expect("set");
}

async fn post(api: &Api, token: &Token, path: &str) -> dayfly_tests::Answer {
    answer(api.ask_as(token, Method::POST, path)).await
}

#[tokio::test]
async fn of_a_hundred_at_once_ten_are_taken_where_ten_are_allowed() {
    let api = api().await;
    let (ada, bob) = (api.token("ada", "submit").await, api.token("bob", "submit").await);
    let ada_too = api.token("ada", "submit").await;
    give(&api, "ada", Some("10/h"), None, None).await;
    let all = (0..100).map(|at| post(&api, if at % 2 == 0 { &ada } else { &ada_too }, "/v1/tasks/any"));
    let answers = join_all(all).await;
    let taken = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(taken, 10);
    for refused in answers.iter().filter(|answer| answer.status != 202) {
        refused.must_be_problem(429, "rate_limited", "The owner `ada` submits more often");
        let seconds: u64 = refused.header("retry-after").parse().expect("seconds");
        assert!((330..=360).contains(&seconds), "the eleventh is due in six minutes: {seconds}");
    }
    assert_eq!(post(&api, &bob, "/v1/tasks/any").await.status, 202, "another owner has no part in it");
    assert_eq!(api.queue.tasks().await.expect("tasks").iter().map(|task| task.queued).sum::<u64>(), 11);
}

#[tokio::test]
async fn a_repetition_costs_nothing_and_time_gives_back() {
    let api = api().await;
    let token = api.token("ada", "submit").await;
    give(&api, "ada", Some("1/h"), Some(2), None).await;
    let keyed =
        |key: &'static str| answer(api.ask_as(&token, Method::POST, "/v1/tasks/any").header("idempotency-key", key));
    assert_eq!(keyed("a").await.status, 202);
    for _ in 0..5 {
        assert_eq!(keyed("a").await.header("idempotent-replayed"), "true");
    }
    assert_eq!(keyed("b").await.status, 202, "a burst of two");
    keyed("c").await.must_be_problem(429, "rate_limited", "quota");
    assert_eq!(keyed("a").await.status, 202, "known ones are answered all the same");
    give(&api, "ada", Some("5/s"), Some(1), None).await;
    let mut taken = HashSet::new();
    eventually_async("a slower quota before does not count against a quicker one", BOUND, || async {
        let answer = post(&api, &token, "/v1/tasks/any").await;
        (answer.status == 202).then(|| answer.member("id"))
    })
    .await;
    let begun = std::time::Instant::now();
    while taken.len() < 3 {
        let next = eventually_async("the next one", BOUND, || async {
            let answer = post(&api, &token, "/v1/tasks/any").await;
            (answer.status == 202).then(|| answer.member("id"))
        })
        .await;
        taken.insert(next);
    }
    assert!(begun.elapsed() >= Duration::from_millis(590), "three at five a second: {:?}", begun.elapsed());
    give(&api, "ada", None, None, None).await;
    for answer in join_all((0..20).map(|_| post(&api, &token, "/v1/tasks/any"))).await {
        assert_eq!(answer.status, 202, "without a quota there is no bound");
    }
}

#[tokio::test]
async fn only_so_many_of_an_owner_wait_over_all_tasks() {
    let api = api().await;
    let (ada, bob) = (api.token("ada", "read,submit,cancel").await, api.token("bob", "submit").await);
    give(&api, "ada", None, None, Some(3)).await;
    let all = (0..30).map(|at| post(&api, &ada, ["/v1/tasks/any", "/v1/tasks/other?delay=1h"][at % 2]));
    let answers = join_all(all).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 202).count(), 3);
    let refused = answers.iter().find(|answer| answer.status != 202).expect("one too many");
    refused.must_be_problem(429, "queue_full", "3 jobs of the owner `ada` wait already");
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(post(&api, &bob, "/v1/tasks/any").await.status, 202);
    // Room comes from a cancel, and from a start.
    let waiting = answers.iter().find(|answer| answer.status == 202).expect("one").header("location").to_owned();
    assert_eq!(post(&api, &ada, &format!("{waiting}/cancel")).await.status, 200);
    assert_eq!(post(&api, &ada, "/v1/tasks/any").await.status, 202);
    post(&api, &ada, "/v1/tasks/any").await.must_be_problem(429, "queue_full", "at most 3");
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    while hand.try_claim().await.is_some() {}
    assert_eq!(post(&api, &ada, "/v1/tasks/any").await.status, 202);
}

#[tokio::test]
async fn what_an_owner_has_is_counted_through_every_move() {
    let rig = rig::Rig::start().await;
    let key = rig.queue.keys().owners();
    let counts = async || rig.hand.get::<BTreeMap<String, i64>>(&["HGETALL", &key]).await;
    let of = |pairs: &[(&str, i64)]| -> BTreeMap<String, i64> {
        pairs.iter().map(|(state, count)| (format!("ada:{state}"), *count)).collect()
    };
    let job = || Submit { owner: "ada".to_owned(), ..rig::job("t") };
    rig.submit(rig::job("t")).await;
    assert!(counts().await.is_empty(), "nobody's are not counted");
    rig.take("t").await;
    let first = rig.submit(job()).await;
    let delayed = rig.submit(Submit { delay_ms: 60_000, ..job() }).await;
    assert_eq!(counts().await, of(&[("queued", 1), ("scheduled", 1)]));
    rig.let_due(delayed).await;
    let claim = rig.take("t").await;
    assert_eq!(counts().await, of(&[("queued", 1), ("running", 1)]));
    let other = if claim.id == first { delayed } else { first };
    rig.queue.cancel(other, None, None).await.expect("cancelled");
    assert_eq!(counts().await, of(&[("running", 1)]));
    rig.end(claim, dayfly_common::model::Outcome::Drained).await;
    assert_eq!(counts().await, of(&[("queued", 1)]));
    let claim = rig.take("t").await;
    rig.end(claim, rig::success("1")).await;
    assert!(counts().await.is_empty(), "an ended one is no longer counted");
    assert_eq!(
        rig.queue.submit(&job()).await.ok().map(|submitted| matches!(submitted, Submitted::Created(_))),
        Some(true)
    );
}

#[tokio::test]
async fn the_audit_counts_anew_what_a_hand_took_away() {
    let rig = rig::Rig::start().await;
    let keys = rig.queue.keys();
    let job = || Submit { owner: "ada".to_owned(), ..rig::job("t") };
    let (gone, _kept) = (rig.submit(job()).await, rig.submit(job()).await);
    rig.queue
        .set_quota(&"ada".parse().expect("an owner"), &Quota { max_queued: Some(2), ..Quota::default() })
        .await
        .expect("set");
    rig.hand.get::<i64>(&["DEL", &keys.job(gone), &keys.job_input(gone)]).await;
    rig.hand.get::<i64>(&["ZREM", &keys.queue(&rig::task("t")), &gone.to_string()]).await;
    rig.hand.get::<i64>(&["HSET", &keys.owners(), "bob:running", "7"]).await;
    assert_eq!(rig.queue.submit(&job()).await.expect("an answer"), Submitted::OwnerFull { waiting: 2, most: 2 });
    let walked = eventually_async("the walk ends", BOUND, || async {
        Some(rig.queue.audit(Duration::ZERO).await.expect("a step")).filter(|audited| audited.ended)
    })
    .await;
    assert!(walked.repaired.contains_key("counts"), "{walked:?}");
    let counts: BTreeMap<String, i64> = rig.hand.get(&["HGETALL", &keys.owners()]).await;
    assert_eq!(counts, BTreeMap::from([("ada:queued".to_owned(), 1)]));
    assert!(matches!(rig.queue.submit(&job()).await, Ok(Submitted::Created(_))));
}

#[tokio::test]
async fn a_quota_that_cannot_be_read_lets_nothing_through() {
    let rig = rig::Rig::start().await;
    rig.hand.get::<i64>(&["HSET", &rig.queue.keys().quotas(), "ada", "ten"]).await;
    let job = Submit { owner: "ada".to_owned(), ..rig::job("t") };
    let said = rig.queue.submit(&job).await.expect_err("refused").to_string();
    assert!(said.contains("the quota of ada cannot be read"), "{said}");
    assert!(rig.queue.job(job.id).await.expect("an answer").is_none());
}
