//! `unique`: one live job of an owner holds a key, and every way a job ends gives it back.

use dayfly_common::{
    model::{JobId, Outcome, State},
    queue::{Submit, Submitted},
};
use dayfly_tests::rig::{Rig, failure, job, success};
use std::time::Duration;

fn one() -> Submit {
    Submit { unique: Some("order:7".into()), owner: "ada".into(), ..job("t") }
}

async fn ask(rig: &Rig, job: &Submit) -> Submitted {
    rig.queue.submit(job).await.expect("an answer")
}

/// What the key holds, read by hand.
async fn held(rig: &Rig) -> Option<String> {
    rig.hand.get(&["GET", &rig.queue.keys().unique("ada", "order:7")]).await
}

async fn walk(rig: &Rig) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    loop {
        let step = rig.queue.audit(Duration::ZERO).await.expect("an answer");
        all.extend(step.repaired);
        if step.ended {
            return all;
        }
    }
}

#[tokio::test]
async fn a_live_job_holds_its_key_in_every_state_and_the_refusal_names_it() {
    let rig = Rig::start().await;
    let first = rig.submit(Submit { delay_ms: 60_000, retries: Some(1), ..one() }).await;
    let refused = |state| (Submitted::NotUnique(first), state);
    let asked = async || {
        let other = one();
        let said = (ask(&rig, &other).await, rig.state(first).await);
        assert!(rig.queue.job(other.id).await.expect("an answer").is_none(), "nothing was written");
        said
    };
    assert_eq!(asked().await, refused(State::Scheduled));
    rig.let_due(first).await;
    rig.sweep().await;
    assert_eq!(asked().await, refused(State::Queued));
    let claim = rig.take("t").await;
    assert_eq!(asked().await, refused(State::Running));
    rig.queue.release("w", std::slice::from_ref(&claim.fence.nonce)).await.expect("an answer");
    assert_eq!(asked().await, refused(State::Queued));
    let claim = rig.take("t").await;
    rig.end(claim, Outcome::Drained).await;
    assert_eq!(asked().await, refused(State::Queued));
    rig.take("t").await;
    rig.end_hold().await;
    rig.expire_lease(first).await;
    rig.sweep().await;
    assert_eq!(asked().await, refused(State::Queued));
    let claim = rig.take("t").await;
    rig.end(claim, failure(true)).await;
    assert_eq!(asked().await, refused(State::Scheduled));
    assert_eq!(held(&rig).await, Some(first.to_string()));
}

#[tokio::test]
async fn other_keys_owners_and_jobs_without_one_are_free() {
    let rig = Rig::start().await;
    rig.submit(one()).await;
    let other_task = Submit { task: "u".parse().expect("a name"), ..one() };
    assert!(matches!(ask(&rig, &other_task).await, Submitted::NotUnique(_)), "by owner, whatever the task");
    for free in [
        Submit { unique: Some("order:8".into()), ..one() },
        Submit { owner: String::new(), ..one() },
        Submit { owner: "ada:order".into(), unique: Some("7".into()), ..one() },
        Submit { unique: None, ..one() },
    ] {
        assert_eq!(ask(&rig, &free).await, Submitted::Created(State::Queued), "{free:?}");
    }
}

#[tokio::test]
async fn every_end_gives_the_key_back() {
    let rig = Rig::start().await;
    rig.end_hold().await;
    for (end, lost_retries) in [
        (Some(success("1")), 2),
        (Some(failure(false)), 2),
        (Some(Outcome::Cancelled), 2),
        (Some(Outcome::Drained), 0),
        (Some(Outcome::Lost), 0),
        (None, 0),
    ] {
        let said = format!("{end:?}");
        let first = rig.submit(one()).await;
        let claim = rig.take("t").await;
        rig.hand.get::<i64>(&["HSET", &rig.queue.keys().job(first), "lost_retries", &lost_retries.to_string()]).await;
        match end {
            Some(outcome) => {
                let mut finish = claim.finish("w", outcome);
                finish.lost_retries = lost_retries;
                rig.queue.finish(&[finish], None).await.expect("an answer");
            }
            None => {
                rig.expire_lease(first).await;
                rig.sweep().await;
            }
        }
        assert!(rig.state(first).await.is_terminal(), "{said}");
        assert_eq!(held(&rig).await, None, "{said}");
        let next = one();
        assert_eq!(ask(&rig, &next).await, Submitted::Created(State::Queued), "{said}");
        rig.queue.cancel(next.id, None, None).await.expect("cancelled");
        assert_eq!(held(&rig).await, None, "a cancel of a waiting job");
    }
    let expiring = rig.submit(Submit { expires_ms: Some(60_000), ..one() }).await;
    rig.let_expire(expiring).await;
    rig.sweep().await;
    assert_eq!((rig.state(expiring).await, held(&rig).await), (State::Failed, None));

    let by_hand = rig.submit(one()).await;
    rig.hand.get::<()>(&["SET", &rig.queue.keys().cancel(by_hand), "1"]).await;
    walk(&rig).await;
    assert_eq!((rig.state(by_hand).await, held(&rig).await), (State::Cancelled, None), "settled by the audit");

    let no_input = rig.submit(one()).await;
    rig.hand.get::<i64>(&["DEL", &rig.queue.keys().job_input(no_input)]).await;
    assert!(rig.claim(&["t"], 1).await.claims.is_empty());
    assert_eq!((rig.state(no_input).await, held(&rig).await), (State::Failed, None), "settled by a claim");
}

#[tokio::test]
async fn the_end_of_an_earlier_job_does_not_take_the_key_of_a_later_one() {
    let rig = Rig::start().await;
    let first = rig.submit(one()).await;
    rig.hand.get::<i64>(&["DEL", &rig.queue.keys().unique("ada", "order:7")]).await;
    let second = rig.submit(one()).await;
    rig.queue.cancel(first, None, None).await.expect("cancelled");
    assert_eq!(held(&rig).await, Some(second.to_string()));
    assert_eq!(ask(&rig, &one()).await, Submitted::NotUnique(second));
}

#[tokio::test]
async fn a_key_whose_job_is_gone_ended_or_another_holds_nothing() {
    let rig = Rig::start().await;
    let keys = rig.queue.keys();
    let ended = rig.submit(one()).await;
    rig.queue.cancel(ended, None, None).await.expect("cancelled");
    let without = rig.submit(Submit { unique: None, ..one() }).await;
    let key = keys.unique("ada", "order:7");
    let lists_word = ["LPUSH", &key, "x"].map(str::to_owned).to_vec();
    let names = |id: String| vec!["SET".to_owned(), key.clone(), id];
    for meddling in [
        names(JobId::now().to_string()),
        names(ended.to_string()),
        names(without.to_string()),
        names("nonsense".to_owned()),
        lists_word,
    ] {
        rig.hand.get::<redis::Value>(&meddling.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let next = one();
        assert_eq!(ask(&rig, &next).await, Submitted::Created(State::Queued), "{meddling:?}");
        assert_eq!(held(&rig).await, Some(next.id.to_string()));
        rig.queue.cancel(next.id, None, None).await.expect("cancelled");
    }
}

#[tokio::test]
async fn the_audit_removes_keys_that_hold_nothing_and_restores_lost_ones() {
    let rig = Rig::start().await;
    let keys = rig.queue.keys();
    let live = rig.submit(one()).await;
    assert_eq!(walk(&rig).await, []);
    rig.hand.get::<()>(&["SET", &keys.unique("", "gone"), &JobId::now().to_string()]).await;
    rig.hand.get::<()>(&["SET", &keys.unique("", "foreign"), &live.to_string()]).await;
    assert_eq!(walk(&rig).await, [("vain_uniques".to_owned(), 2)]);
    rig.hand.get::<i64>(&["DEL", &keys.unique("ada", "order:7")]).await;
    assert_eq!(walk(&rig).await, [("missing_entries".to_owned(), 1)]);
    assert_eq!(ask(&rig, &one()).await, Submitted::NotUnique(live));
    assert_eq!(walk(&rig).await, []);
}

#[tokio::test]
async fn the_holders_own_request_again_is_known_by_its_id() {
    let rig = Rig::start().await;
    let plain = one();
    rig.submit(plain.clone()).await;
    assert_eq!(ask(&rig, &plain).await, Submitted::Exists);
    let keyed = Submit { id: JobId::from_idempotency_key("ada", "k"), repeatable: true, unique: None, ..one() };
    rig.submit(keyed.clone()).await;
    let again = Submit { unique: plain.unique.clone(), ..keyed.clone() };
    assert_eq!(ask(&rig, &again).await, Submitted::NotUnique(plain.id), "another job's key wins over a known id");
    let foreign = Submit { owner: "bob".into(), ..keyed };
    assert_eq!(ask(&rig, &foreign).await, Submitted::Conflict, "another owner's job is not theirs to see");
}

#[tokio::test]
async fn a_full_queue_is_told_after_a_held_key() {
    let rig = Rig::start().await;
    let first = rig.submit(one()).await;
    let bounded = Submit { max_queued: Some(1), ..one() };
    assert_eq!(ask(&rig, &bounded).await, Submitted::NotUnique(first));
    let full = Submit { unique: Some("other".into()), ..bounded };
    assert_eq!(ask(&rig, &full).await, Submitted::Full(1));
    let left: i64 = rig.hand.get(&["EXISTS", &rig.queue.keys().unique("ada", "other")]).await;
    assert_eq!(left, 0, "a refused job holds nothing");
}

#[tokio::test]
async fn of_many_at_once_one_is_taken() {
    let rig = Rig::start().await;
    let answers = futures_util::future::join_all((0..50).map(|_| async { ask(&rig, &one()).await })).await;
    let created = answers.iter().filter(|answer| **answer == Submitted::Created(State::Queued)).count();
    assert_eq!((created, answers.len()), (1, 50), "{answers:?}");
}
