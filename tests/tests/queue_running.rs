//! `max_running`: how many jobs of an owner run at a time, and that nobody else waits for them.

use dayfly_common::{
    model::{JobId, State},
    queue::{Change, Claim, Claimed, Quota, StartAt, Submit},
};
use dayfly_tests::rig::{Rig, job, success, task};
use proptest::prelude::*;
use std::{collections::BTreeMap, time::Duration};

async fn bound(rig: &Rig, owner: &str, max_running: Option<u64>) {
    let quota = Quota { max_running, ..Quota::default() };
    rig.queue.set_quota(&owner.parse().expect("an owner"), &quota).await.expect("set");
}

fn of(owner: &str, name: &str) -> Submit {
    Submit { owner: owner.into(), ..job(name) }
}

fn ids(claimed: &Claimed) -> Vec<JobId> {
    claimed.claims.iter().map(|claim| claim.id).collect()
}

/// What a walk of the audit put right.
async fn repaired(rig: &Rig) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    loop {
        let step = rig.queue.audit(Duration::ZERO).await.expect("an answer");
        for (what, number) in step.repaired {
            *all.entry(what).or_default() += number;
        }
        if step.ended {
            return all;
        }
    }
}

async fn parked(rig: &Rig, id: JobId) -> bool {
    rig.queue.job(id).await.expect("an answer").expect("it is there").parked
}

async fn tokens(rig: &Rig, name: &str) -> i64 {
    rig.hand.get(&["LLEN", &rig.queue.keys().wake(&task(name))]).await
}

#[tokio::test]
async fn no_more_run_than_may_and_others_pass_them() {
    let rig = Rig::start().await;
    bound(&rig, "ada", Some(2)).await;
    let mut hers = Vec::new();
    // More than one call sets back.
    for _ in 0..250 {
        hers.push(rig.submit(of("ada", "t")).await);
    }
    let his = rig.submit(of("bob", "t")).await;
    let nobodys = rig.submit(job("t")).await;
    let first = rig.claim(&["t"], 10).await;
    assert_eq!(ids(&first), hers[..2]);
    assert!(first.more, "it was stopped by the bound of one call");
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.extend(ids(&rig.claim(&["t"], 10).await));
    }
    assert_eq!(seen, [his, nobodys]);
    assert_eq!(rig.queue.tasks().await.expect("tasks")[0].queued, 248, "set back, they wait as before");
    assert!(parked(&rig, hers[2]).await && !parked(&rig, his).await);
    let ended = first.claims.into_iter().next().expect("a claim");
    rig.end(ended, success("1")).await;
    assert_eq!(ids(&rig.claim(&["t"], 10).await), [hers[2]], "in their order");
    assert_eq!(repaired(&rig).await, BTreeMap::new());
}

#[tokio::test]
async fn an_idle_worker_is_woken_only_for_what_may_run() {
    let rig = Rig::start().await;
    bound(&rig, "ada", Some(1)).await;
    for _ in 0..3 {
        rig.submit(of("ada", "t")).await;
    }
    let running = rig.claim(&["t"], 2).await.claims.remove(0);
    rig.hand.get::<i64>(&["DEL", &rig.queue.keys().wake(&task("t"))]).await;
    rig.sweep().await;
    assert_eq!(tokens(&rig, "t").await, 0);
    assert!(rig.claim(&["t"], 2).await.claims.is_empty());
    rig.end(running, success("1")).await;
    assert_eq!(tokens(&rig, "t").await, 1);
    // A bound that is raised, or taken away, counts at the next sweep.
    let running = rig.claim(&["t"], 2).await;
    assert_eq!(running.claims.len(), 1);
    rig.hand.get::<i64>(&["DEL", &rig.queue.keys().wake(&task("t"))]).await;
    bound(&rig, "ada", None).await;
    rig.sweep().await;
    assert_eq!(tokens(&rig, "t").await, 1);
    assert_eq!(rig.claim(&["t"], 2).await.claims.len(), 1);
    assert_eq!(rig.hand.get::<i64>(&["EXISTS", &rig.queue.keys().parked_owners()]).await, 0);
}

#[tokio::test]
async fn a_place_that_the_first_does_not_take_is_anothers() {
    let rig = Rig::start().await;
    bound(&rig, "ada", Some(1)).await;
    let running = rig.submit(of("ada", "served")).await;
    let unserved = rig.submit(of("ada", "unserved")).await;
    let waiting = rig.submit(of("ada", "served")).await;
    let claims = rig.claim(&["served", "unserved"], 3).await;
    assert_eq!(ids(&claims), [running]);
    assert!(parked(&rig, unserved).await && parked(&rig, waiting).await);
    for one in claims.claims {
        rig.end(one, success("1")).await;
    }
    assert!(!parked(&rig, unserved).await && parked(&rig, waiting).await, "one for one");
    rig.sweep().await;
    assert_eq!(ids(&rig.claim(&["served"], 3).await), [waiting]);
}

#[tokio::test]
async fn a_parked_job_can_be_cancelled_changed_and_expires() {
    let rig = Rig::start().await;
    bound(&rig, "ada", Some(0)).await;
    let cancelled = rig.submit(of("ada", "t")).await;
    let urgent = rig.submit(of("ada", "t")).await;
    let later = rig.submit(of("ada", "t")).await;
    let late = rig.submit(Submit { expires_ms: Some(60_000), ..of("ada", "t") }).await;
    assert!(rig.claim(&["t"], 9).await.claims.is_empty());
    for id in [cancelled, urgent, later, late] {
        assert!(parked(&rig, id).await);
    }
    rig.queue.cancel(cancelled, None, None).await.expect("an answer");
    rig.queue.change(urgent, &Change { priority: Some(0), at: None }).await.expect("an answer");
    let at = i64::MAX / 4_000_000;
    rig.queue.change(later, &Change { priority: None, at: Some(StartAt::Ms(at)) }).await.expect("an answer");
    let keys = rig.queue.keys();
    rig.let_expire(late).await;
    rig.sweep().await;
    assert_eq!(rig.state(cancelled).await, State::Cancelled);
    assert_eq!(rig.state(later).await, State::Scheduled);
    assert_eq!(rig.state(late).await, State::Failed);
    assert_eq!(rig.hand.get::<i64>(&["EXISTS", &keys.parked("ada")]).await, 0, "nothing of them is left there");
    assert!(rig.claim(&["t"], 9).await.claims.is_empty());
    bound(&rig, "ada", Some(1)).await;
    rig.sweep().await;
    assert_eq!(ids(&rig.claim(&["t"], 9).await), [urgent]);
    assert_eq!(repaired(&rig).await, BTreeMap::new());
}

#[tokio::test]
async fn what_a_hand_or_a_lost_write_left_is_put_right() {
    let rig = Rig::start().await;
    let keys = rig.queue.keys();
    bound(&rig, "ada", Some(0)).await;
    let forgotten = rig.submit(of("ada", "t")).await;
    let noted = rig.submit(of("ada", "t")).await;
    assert!(rig.claim(&["t"], 9).await.claims.is_empty());
    rig.hand.get::<i64>(&["ZREM", &keys.parked("ada"), &forgotten.to_string()]).await;
    rig.hand.get::<i64>(&["ZADD", &keys.parked("ada"), "1", &JobId::now().to_string()]).await;
    rig.hand.get::<i64>(&["SREM", &keys.parked_owners(), "ada"]).await;
    let right = repaired(&rig).await;
    assert_eq!(right, BTreeMap::from([("missing_entries".to_owned(), 2), ("surplus_entries".to_owned(), 1)]));
    bound(&rig, "ada", None).await;
    rig.sweep().await;
    assert_eq!(ids(&rig.claim(&["t"], 9).await), [forgotten, noted]);
    assert_eq!(repaired(&rig).await, BTreeMap::new());
}

#[tokio::test]
async fn a_quota_that_cannot_be_read_holds_back_nobody() {
    let rig = Rig::start().await;
    let id = rig.submit(of("ada", "t")).await;
    rig.hand.get::<i64>(&["HSET", &rig.queue.keys().quotas(), "ada", "two"]).await;
    assert_eq!(ids(&rig.claim(&["t"], 1).await), [id]);
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Submit { owner: usize, task: usize, priority: u8 },
    Claim { slots: usize },
    End { which: usize },
    Release { which: usize },
    Lose { which: usize },
    Cancel { which: usize },
    Bound { owner: usize, most: Option<u64> },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..2_usize, 0..2_usize, 4..6_u8).prop_map(|(owner, task, priority)| Step::Submit { owner, task, priority }),
        4 => (1..4_usize).prop_map(|slots| Step::Claim { slots }),
        3 => (0..8_usize).prop_map(|which| Step::End { which }),
        1 => (0..8_usize).prop_map(|which| Step::Release { which }),
        1 => (0..8_usize).prop_map(|which| Step::Lose { which }),
        1 => (0..20_usize).prop_map(|which| Step::Cancel { which }),
        1 => (0..2_usize, proptest::option::of(0..3_u64)).prop_map(|(owner, most)| Step::Bound { owner, most }),
    ];
    prop::collection::vec(step, 10..50)
}

const OWNERS: [&str; 2] = ["ada", "bob"];
const TASKS: [&str; 2] = ["t", "u"];

/// Never more than may run at the moment of a claim; nothing is left over in any index; and everything runs in the end.
async fn holds(rig: &Rig, steps: Vec<Step>) {
    rig.hand.get::<String>(&["FLUSHDB"]).await;
    let mut most: [Option<u64>; 2] = [Some(1), Some(2)];
    for (owner, most) in OWNERS.iter().zip(most) {
        bound(rig, owner, most).await;
    }
    rig.end_hold().await;
    let mut owner_of = BTreeMap::new();
    let mut running = Vec::new();
    let count = |running: &[Claim], owner_of: &BTreeMap<JobId, usize>, owner| {
        u64::try_from(running.iter().filter(|claim| owner_of[&claim.id] == owner).count()).expect("few")
    };
    for step in steps {
        match step {
            Step::Submit { owner, task, priority } => {
                let one = Submit { priority, ..of(OWNERS[owner], TASKS[task]) };
                owner_of.insert(rig.submit(one).await, owner);
            }
            Step::Claim { slots } => {
                let before: Vec<u64> = (0..2).map(|owner| count(&running, &owner_of, owner)).collect();
                running.extend(rig.claim(&TASKS, slots).await.claims);
                for owner in 0..2 {
                    let now = count(&running, &owner_of, owner);
                    assert!(
                        most[owner].is_none_or(|most| now <= most.max(before[owner])),
                        "{now} run: {}",
                        OWNERS[owner]
                    );
                }
            }
            Step::End { which } if !running.is_empty() => {
                let one = running.remove(which % running.len());
                rig.end(one, success("1")).await;
            }
            Step::Release { which } if !running.is_empty() => {
                let one = running.remove(which % running.len());
                rig.queue.release("w", &[one.fence.nonce]).await.expect("an answer");
            }
            Step::Lose { which } if !running.is_empty() => {
                let one = running.remove(which % running.len());
                rig.expire_lease(one.id).await;
                rig.end_hold().await;
                rig.sweep().await;
            }
            Step::Cancel { which } if !owner_of.is_empty() => {
                let id = *owner_of.keys().nth(which % owner_of.len()).expect("one");
                if rig.state(id).await == State::Queued {
                    rig.queue.cancel(id, None, None).await.expect("an answer");
                }
            }
            Step::End { .. } | Step::Release { .. } | Step::Lose { .. } | Step::Cancel { .. } => {}
            Step::Bound { owner, most: now } => {
                bound(rig, OWNERS[owner], now).await;
                most[owner] = now;
            }
        }
        assert_eq!(repaired(rig).await, BTreeMap::new());
    }
    for owner in OWNERS {
        bound(rig, owner, Some(1)).await;
    }
    // Each turn ends at least one job of each owner that has any.
    for _ in 0..owner_of.len() * 4 + 4 {
        for one in std::mem::take(&mut running) {
            rig.end(one, success("1")).await;
        }
        rig.sweep().await;
        running.extend(rig.claim(&TASKS, 4).await.claims);
    }
    for id in owner_of.keys() {
        let state = rig.state(*id).await;
        assert!(state.is_terminal(), "{id} is {state}");
    }
    assert_eq!(rig.hand.get::<i64>(&["EXISTS", &rig.queue.keys().parked_owners()]).await, 0);
}

#[test]
fn whatever_happens_the_bound_holds_and_everything_runs() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let rig = runtime.block_on(Rig::start());
    let cases = if std::env::var_os("DAYFLY_TEST_LONG").is_some() { 500 } else { 40 };
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in steps())| runtime.block_on(holds(&rig, steps)));
}
