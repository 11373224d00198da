//! A queued job is compact: at most 600 bytes of the server's memory with a 100-byte input (680 with an idempotency key).

use dayfly_common::{model::JobId, queue::Submit};
use dayfly_tests::{
    Server, eventually_async,
    rig::{Rig, job},
};
use std::time::Duration;

const JOBS: usize = 20_000;
const AT_ONCE: usize = 64;
const BOUND: Duration = Duration::from_secs(20);

/// What the server holds once it has freed what was deleted: Valkey does that on a thread of its own
/// (`lazyfree-lazy-user-del`), later when the machine is busy.
async fn used(rig: &Rig) -> usize {
    eventually_async("what was deleted is freed", BOUND, async || {
        let info: String = rig.hand.get(&["INFO", "memory"]).await;
        let field = |name: &str| -> usize {
            info.lines().find_map(|line| line.strip_prefix(name)).expect(name).parse().expect("a number")
        };
        (field("lazyfree_pending_objects:") == 0).then(|| field("used_memory:"))
    })
    .await
}

/// Bytes a job, the stream of events left out: it is capped, whatever the number of jobs.
async fn bytes_a_job(rig: &Rig, make: impl Fn(usize) -> Submit) -> usize {
    let before = used(rig).await;
    let jobs: Vec<Submit> = (0..JOBS).map(make).collect();
    for some in jobs.chunks(AT_ONCE) {
        let all = some.iter().map(|job| rig.queue.submit(job));
        for answer in futures_util::future::join_all(all).await {
            answer.expect("accepted");
        }
    }
    rig.hand.get::<i64>(&["DEL", &rig.queue.keys().events()]).await;
    (used(rig).await - before) / JOBS
}

#[tokio::test]
async fn a_queued_job_takes_at_most_600_bytes() {
    // While a slow disk syncs, the server puts its writes off and holds them in memory: megabytes that are no job's.
    let rig = Rig::on(Server::start_with(&["--appendfsync", "no"])).await;
    rig.queue.ensure_library().await.expect("loaded");
    let plain = bytes_a_job(&rig, |_| Submit { input: vec![b'x'; 100].into(), ..job("factor") }).await;
    rig.hand.get::<()>(&["FLUSHDB", "SYNC"]).await;
    let repeatable = bytes_a_job(&rig, |at| Submit {
        input: vec![b'x'; 100].into(),
        id: JobId::from_idempotency_key("ada", &at.to_string()),
        repeatable: true,
        ..job("factor")
    })
    .await;
    println!("bytes a queued job: {plain}, with an idempotency key: {repeatable}");
    assert!(plain <= 600, "{plain} bytes a queued job");
    assert!(repeatable <= 680, "{repeatable} bytes a queued job with an idempotency key");
}
