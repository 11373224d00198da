//! The audit: each fault that a hand or a lost write may leave is put right within one walk, and a sound house is left alone.

use dayfly_common::{
    model::{JobId, Outcome, State},
    queue::Submit,
};
use dayfly_tests::rig::{Rig, job, success, task};
use std::{collections::BTreeMap, time::Duration};

/// One whole walk; gives what it put right.
async fn walk(rig: &Rig) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    loop {
        let step = rig.queue.audit(Duration::ZERO).await.expect("an answer");
        for (kind, count) in step.repaired {
            *all.entry(kind).or_default() += count;
        }
        if step.ended {
            return all;
        }
    }
}

fn only(kind: &str, count: u64) -> BTreeMap<String, u64> {
    BTreeMap::from([(kind.to_owned(), count)])
}

#[tokio::test]
async fn a_sound_house_is_left_alone() {
    let rig = Rig::start().await;
    rig.submit(job("queued")).await;
    rig.submit(Submit { delay_ms: 60_000, expires_ms: Some(90_000), ..job("t") }).await;
    rig.submit(job("t")).await;
    let running = rig.take("t").await;
    rig.submit(job("t")).await;
    let ended = rig.take("t").await;
    rig.end(ended, success("1")).await;
    rig.queue.cancel(running.id, None, None).await.expect("asked");
    assert_eq!(walk(&rig).await, BTreeMap::new());
}

#[tokio::test]
async fn a_record_that_stands_in_no_index_gets_its_place_again() {
    let rig = Rig::start().await;
    let keys = rig.queue.keys();
    let queued = rig.submit(job("t")).await;
    let scheduled = rig.submit(Submit { delay_ms: 60_000, ..job("t") }).await;
    let running = rig.submit(job("run")).await;
    rig.take("run").await;
    let ended = rig.submit(job("end")).await;
    let claim = rig.take("end").await;
    rig.end(claim, success("1")).await;
    let job_of = |id: JobId| id.to_string();
    for (index, id) in [
        (keys.queue(&task("t")), queued),
        (keys.delayed(), scheduled),
        (keys.leases(), running),
        (keys.finished(State::Succeeded), ended),
    ] {
        assert_eq!(rig.hand.get::<i64>(&["ZREM", &index, &job_of(id)]).await, 1);
    }
    rig.hand.get::<i64>(&["PERSIST", &keys.job(ended)]).await;
    let repaired = walk(&rig).await;
    assert_eq!(repaired, BTreeMap::from([("missing_entries".to_owned(), 4), ("kept_for_ever".to_owned(), 1)]));
    assert!(rig.hand.get::<i64>(&["PTTL", &keys.job(ended)]).await > 0);
    assert_eq!(rig.take("t").await.id, queued, "it can be claimed again");
    rig.let_due(scheduled).await;
    rig.sweep().await;
    assert_eq!(rig.state(scheduled).await, State::Queued);
    rig.expire_lease(running).await;
    rig.sweep().await;
    assert_eq!(rig.state(running).await, State::Queued, "what nobody renews is taken back");
    assert_eq!(walk(&rig).await, BTreeMap::new());
}

#[tokio::test]
async fn an_entry_in_an_index_of_another_state_goes() {
    let rig = Rig::start().await;
    let keys = rig.queue.keys();
    let queued = rig.submit(job("t")).await;
    rig.hand.get::<i64>(&["ZADD", &keys.delayed(), "99999999999999", &queued.to_string()]).await;
    rig.hand.get::<i64>(&["ZADD", &keys.leases(), "99999999999999", &queued.to_string()]).await;
    rig.hand.get::<i64>(&["HSET", &keys.held("w"), "0123456789abcdef", &queued.to_string()]).await;
    assert_eq!(walk(&rig).await, only("surplus_entries", 3));
    assert_eq!(rig.take("t").await.id, queued);
}

#[tokio::test]
async fn cancels_by_hand_are_settled_and_vain_ones_deleted() {
    let rig = Rig::start().await;
    let keys = rig.queue.keys();
    let waiting = rig.submit(job("t")).await;
    let later = rig.submit(Submit { delay_ms: 60_000, ..job("t") }).await;
    let running = rig.submit(job("run")).await;
    rig.take("run").await;
    let ended = rig.submit(job("end")).await;
    let claim = rig.take("end").await;
    rig.end(claim, Outcome::Cancelled).await;
    for id in [waiting, later, running, ended, JobId::now()] {
        rig.hand.get::<()>(&["SET", &keys.cancel(id), "please"]).await;
    }
    let repaired = walk(&rig).await;
    let expected = BTreeMap::from([("cancelled_by_hand".to_owned(), 2), ("vain_cancels".to_owned(), 2)]);
    assert_eq!(repaired, expected);
    assert_eq!((rig.state(waiting).await, rig.state(later).await), (State::Cancelled, State::Cancelled));
    let left: i64 = rig.hand.get(&["EXISTS", &keys.cancel(running)]).await;
    assert_eq!((rig.state(running).await, left), (State::Running, 1), "that one is its worker's to see");
}

#[tokio::test]
async fn counts_that_disagree_are_taken_anew_and_orphans_go() {
    let rig = Rig::start().await;
    let keys = rig.queue.keys();
    for _ in 0..3 {
        rig.submit(job("t")).await;
    }
    rig.take("t").await;
    rig.submit(Submit { delay_ms: 60_000, ..job("t") }).await;
    for field in ["t:queued", "t:running", "t:scheduled"] {
        rig.hand.get::<i64>(&["HINCRBY", &keys.counts(), field, "7"]).await;
    }
    rig.hand.get::<()>(&["SET", &keys.job_input(JobId::now()), "{}"]).await;
    assert_eq!(walk(&rig).await, BTreeMap::from([("counts".to_owned(), 3), ("orphans".to_owned(), 1)]));
    let counts: Vec<i64> = rig.hand.get(&["HMGET", &keys.counts(), "t:queued", "t:running", "t:scheduled"]).await;
    assert_eq!(counts, [2, 1, 1]);
}

#[tokio::test]
async fn a_step_is_bounded_and_many_processes_make_no_more_of_them() {
    let rig = Rig::start().await;
    for _ in 0..1_000 {
        rig.submit(job("t")).await;
    }
    let first = rig.queue.audit(Duration::from_secs(10)).await.expect("an answer");
    assert!(!first.ended && first.keys > 0 && first.keys < 1_500, "{first:?}");
    let second = rig.queue.audit(Duration::from_secs(10)).await.expect("an answer");
    assert_eq!((second.ended, second.keys), (false, 0), "one was made a moment ago");
    assert_eq!(walk(&rig).await, BTreeMap::new());
}
