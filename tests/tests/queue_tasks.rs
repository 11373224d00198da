//! The registry: what workers publish, and which of two definitions counts.

use dayfly_common::{
    model::OutputKind,
    queue::{Submit, TaskCard},
};
use dayfly_tests::rig::{Rig, job, task};

fn card(name: &str, timeout_ms: u64) -> TaskCard {
    TaskCard {
        name: task(name),
        description: Some("does \"it\"".into()),
        timeout_ms,
        max_timeout_ms: timeout_ms,
        expires_ms: None,
        retries: 1,
        output: OutputKind::Json,
        max_queued: Some(10),
        retention_ms: 7_200_000,
        route: None,
        input_schema: Some(serde_json::json!({"type": "object"})),
    }
}

#[tokio::test]
async fn tasks_show_their_definition_and_their_numbers() {
    let rig = Rig::start().await;
    rig.queue.register_tasks(&[card("a", 1_000), card("b", 2_000)]).await.expect("published");
    assert_eq!(rig.queue.registered_tasks().await.expect("an answer"), [card("a", 1_000), card("b", 2_000)]);
    rig.queue.set_paused(&task("b"), true).await.expect("paused");
    let oldest = rig.submit(Submit { priority: 9, ..job("unknown") }).await;
    for job in [job("a"), job("a"), Submit { delay_ms: 60_000, ..job("a") }] {
        rig.submit(job).await;
    }
    rig.take("a").await;
    rig.beat(&[]).await;

    let tasks = rig.queue.tasks().await.expect("an answer");
    let numbers: Vec<_> =
        tasks.iter().map(|of| (of.name.as_str(), of.queued, of.scheduled, of.running, of.paused)).collect();
    assert_eq!(numbers, [("a", 1, 1, 1, false), ("b", 0, 0, 0, true), ("unknown", 1, 0, 0, false)]);
    assert_eq!(tasks[0].card, Some(card("a", 1_000)));
    assert_eq!(tasks[2].card, None);
    assert_eq!(tasks[2].oldest_at, Some(rig.job(oldest).await.record.ready_at));
    assert_eq!((tasks[1].oldest_at, tasks[0].live_workers), (None, 0), "worker w serves another task");
}

#[tokio::test]
async fn the_definition_first_seen_last_wins_and_a_forgotten_one_may_come_back() {
    let rig = Rig::start().await;
    let timeout = || async { rig.queue.registered_tasks().await.expect("an answer")[0].timeout_ms };
    let register = |timeout_ms| {
        let queue = rig.queue.clone();
        async move { queue.register_tasks(&[card("a", timeout_ms)]).await.expect("published") }
    };
    register(1_000).await;
    // The first was seen before the second, by the server's clock.
    let definitions = rig.queue.keys().definitions(&task("a"));
    let digest: Vec<String> = rig.hand.get(&["HKEYS", &definitions]).await;
    let now: Vec<i64> = rig.hand.get(&["TIME"]).await;
    let now = now[0] * 1_000;
    rig.hand.get::<i64>(&["HSET", &definitions, &digest[0], &format!("{}-{now}", now - 50_000)]).await;
    register(2_000).await;
    assert_eq!(timeout().await, 2_000);
    register(1_000).await;
    assert_eq!(timeout().await, 2_000, "an old worker beats still");
    assert!(rig.queue.tasks().await.expect("an answer")[0].conflict);
    // Rolled back: nobody has brought the first for two minutes, then it comes again.
    rig.hand.get::<i64>(&["HSET", &definitions, &digest[0], &format!("{}-{}", now - 500_000, now - 120_000)]).await;
    assert!(!rig.queue.tasks().await.expect("an answer")[0].conflict);
    rig.hand.get::<i64>(&["HINCRBY", &rig.queue.keys().counts(), "a:queued", "0"]).await;
    register(1_000).await;
    assert_eq!(timeout().await, 1_000);
}

#[tokio::test]
async fn the_published_retention_holds_for_jobs_that_no_worker_ended() {
    let rig = Rig::start().await;
    rig.queue.register_tasks(&[card("a", 1_000)]).await.expect("published");
    let id = rig.submit(job("a")).await;
    rig.queue.cancel(id, None, None).await.expect("cancelled");
    let left: i64 = rig.hand.get(&["PTTL", &rig.queue.keys().job(id)]).await;
    assert!((7_100_000..=7_200_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_definition_that_cannot_be_read_hides_no_other() {
    let rig = Rig::start().await;
    rig.queue.register_tasks(&[card("a", 1_000)]).await.expect("published");
    rig.hand.get::<i64>(&["HSET", &rig.queue.keys().tasks(), "b", "{"]).await;
    assert_eq!(rig.queue.registered_tasks().await.expect("an answer").len(), 1);
    let id = rig.submit(job("b")).await;
    rig.queue.cancel(id, None, None).await.expect("and ends nothing badly");
}
