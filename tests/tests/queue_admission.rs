//! Claims within a bound of memory: together they never exceed it, and what does not fit holds up nothing else.

use dayfly_common::{
    model::Nonce,
    queue::{Ask, Claimed, Submit},
};
use dayfly_tests::rig::{Rig, TTL_MS, ask, ask_task, job, task};

/// A request of `worker` for `slots` jobs within `left` bytes. The tasks: `a` takes 60 bytes, `b` none, `c` 40.
fn bounded(worker: &str, slots: usize, left: u64) -> Ask {
    let tasks = vec![ask_task("a", 60), ask_task("b", 0), ask_task("c", 40)];
    Ask { tasks, memory_left: Some(left), ..ask(worker, &[], slots) }
}

async fn given(rig: &Rig, ask: &Ask) -> (Vec<String>, Claimed) {
    let claimed = rig.queue.claim(ask).await.expect("an answer");
    (claimed.claims.iter().map(|claim| claim.task.to_string()).collect(), claimed)
}

async fn submitted(tasks: &[&str]) -> Rig {
    let rig = Rig::start().await;
    for name in tasks {
        rig.submit(job(name)).await;
    }
    rig
}

#[tokio::test]
async fn the_jobs_of_one_call_fit_together() {
    let rig = submitted(&["a", "a", "b", "c", "c", "b"]).await;
    let (tasks, claimed) = given(&rig, &bounded("w", 9, 100)).await;
    assert_eq!(tasks, ["a", "b", "c", "b"]);
    assert_eq!(claimed.short_of, Some(40), "the smaller of those that wait");
    let (tasks, claimed) = given(&rig, &bounded("w", 9, 99)).await;
    assert_eq!((tasks, claimed.short_of), (vec!["a".to_owned()], Some(40)));
    let (tasks, claimed) = given(&rig, &bounded("w", 9, 40)).await;
    assert_eq!((tasks, claimed.short_of), (vec!["c".to_owned()], None), "nothing waits any more");
}

#[tokio::test]
async fn an_urgent_job_that_does_not_fit_holds_up_no_other() {
    let rig = Rig::start().await;
    rig.submit(Submit { priority: 0, ..job("a") }).await;
    rig.submit(job("b")).await;
    let (tasks, claimed) = given(&rig, &bounded("w", 1, 59)).await;
    assert_eq!((tasks, claimed.short_of), (vec!["b".to_owned()], Some(60)));
}

#[tokio::test]
async fn the_token_of_what_does_not_fit_stays_for_others() {
    let rig = submitted(&["a"]).await;
    let wake = rig.queue.keys().wake(&task("a"));
    rig.hand.get::<i64>(&["DEL", &wake]).await;
    let (tasks, claimed) = given(&rig, &bounded("w", 2, 59)).await;
    assert!(tasks.is_empty() && claimed.short_of == Some(60) && !claimed.more, "{claimed:?}");
    assert_eq!(rig.hand.get::<i64>(&["LLEN", &wake]).await, 1);
    let (tasks, claimed) = given(&rig, &bounded("other", 1, 60)).await;
    assert_eq!((tasks, claimed.short_of), (vec!["a".to_owned()], None));
    assert_eq!(rig.hand.get::<i64>(&["LLEN", &wake]).await, 0);
}

#[tokio::test]
async fn what_is_given_again_counts_again() {
    let rig = submitted(&["a", "a", "b"]).await;
    let one = bounded("w", 1, 100);
    let (_, first) = given(&rig, &one).await;
    let wider = Ask { nonces: [one.nonces.clone(), vec![Nonce::random()]].concat(), ..one.clone() };
    let (tasks, again) = given(&rig, &wider).await;
    assert_eq!(tasks, ["a", "b"]);
    assert_eq!(again.claims[0].fence, first.claims[0].fence);
    rig.submit(job("b")).await;
    let less = Ask { nonces: [one.nonces.clone(), vec![Nonce::random()]].concat(), memory_left: Some(10), ..one };
    let (tasks, again) = given(&rig, &less).await;
    assert_eq!((tasks, again.short_of), (vec!["a".to_owned(), "b".to_owned()], Some(60)), "none declared, none needed");
}

#[tokio::test]
async fn a_caller_that_names_no_bound_gets_everything() {
    let rig = submitted(&["a", "a", "a"]).await;
    let unbounded = Ask { memory_left: None, ..bounded("w", 1, 0) };
    assert_eq!(given(&rig, &unbounded).await.0, ["a"]);
    let base = rig.queue.keys().base().to_owned();
    let ttl = TTL_MS.to_string();
    let tasks = r#"[{"name":"a","timeout_ms":1000,"lost_retries":2}]"#;
    let mut words = vec!["FCALL", "dayfly_claim", "1", &base, "w", &ttl, "0a", tasks];
    type Answer = (Vec<redis::Value>, Option<i64>, i64, Option<i64>);
    let (claims, .., short_of): Answer = rig.hand.get(&words).await;
    assert_eq!((claims.len(), short_of), (1, None), "as callers of earlier revisions ask");
    words.push("0");
    words[6] = "0b";
    let (claims, .., short_of): Answer = rig.hand.get(&words).await;
    assert_eq!((claims.len(), short_of), (1, None), "what declares no memory needs none");
}

#[tokio::test]
async fn nonsense_is_refused_before_anything_is_given() {
    let rig = submitted(&["a"]).await;
    let (base, ttl) = (rig.queue.keys().base().to_owned(), TTL_MS.to_string());
    for (memory, left) in [("\"60\"", "100"), ("-1", "100"), ("60", "many"), ("60", "-1")] {
        let tasks = format!(r#"[{{"name":"a","timeout_ms":1000,"memory":{memory}}}]"#);
        let words = ["FCALL", "dayfly_claim", "1", &base, "w", &ttl, "0a", &tasks, left];
        let said = rig.hand.send::<redis::Value>(&words).await.expect_err("refused").to_string();
        assert!(said.contains("memory") || said.contains("whole number"), "{said}");
    }
    assert_eq!(given(&rig, &bounded("w", 1, 60)).await.0, ["a"]);
}
