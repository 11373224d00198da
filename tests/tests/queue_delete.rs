//! Delete: an ended job is forgotten, and its id makes no other one.

use dayfly_common::{
    model::{JobId, State},
    queue::{Deleted, Finished, Line, LineStream, ListFilter, Report, Submit, Submitted},
};
use dayfly_tests::rig::{Rig, job, success};

const DAY_MS: i64 = 86_400_000;

#[tokio::test]
async fn nothing_of_it_is_left() {
    let rig = Rig::start().await;
    let empty: Vec<String> = rig.hand.get(&["KEYS", "*job:*"]).await;
    assert_eq!(empty, [""; 0]);
    let id = rig.submit(Submit { expires_ms: Some(60_000), ..job("t") }).await;
    let claim = rig.take("t").await;
    let line = Line { stream: LineStream::Stderr, at: 1, text: "here".to_owned() };
    let report = Report { id, fence: claim.fence.clone(), pid: Some(1), progress: None, lines: vec![line] };
    assert!(rig.queue.report(&report).await.expect("an answer"));
    let end = claim.finish("w", success("1"));
    rig.queue.finish(std::slice::from_ref(&end), None).await.expect("an answer");
    assert_eq!(rig.queue.delete(id).await.expect("an answer"), Deleted::Done);
    let left: Vec<String> = rig.hand.get(&["KEYS", "*job:*"]).await;
    assert_eq!(left, [""; 0]);
    assert_eq!(rig.hand.get::<i64>(&["ZCARD", &rig.queue.keys().finished(State::Succeeded)]).await, 0);
    assert!(rig.queue.job(id).await.expect("an answer").is_none());
    let page = rig.queue.list(&ListFilter { limit: 9, ..ListFilter::default() }).await.expect("a page");
    assert!(page.items.is_empty());
    // A total tells of jobs that were, as it does when a retention is over.
    assert_eq!(rig.hand.get::<i64>(&["HGET", &rig.queue.keys().counts(), "t:succeeded"]).await, 1);
    assert_eq!(rig.queue.delete(id).await.expect("an answer"), Deleted::Done, "sent again");
    assert_eq!(rig.queue.delete(JobId::now()).await.expect("an answer"), Deleted::Unknown);
    // A worker that repeats its last words meets nothing.
    assert_eq!(rig.queue.finish(&[end], None).await.expect("an answer").0, [Finished::Fenced]);
    assert_eq!(rig.hand.get::<Vec<String>>(&["KEYS", "*job:*"]).await, [""; 0]);
}

#[tokio::test]
async fn only_an_ended_job_is_deleted() {
    let rig = Rig::start().await;
    let waits = rig.submit(job("t")).await;
    let delayed = rig.submit(Submit { delay_ms: 60_000, ..job("t") }).await;
    assert_eq!(rig.queue.delete(waits).await.expect("an answer"), Deleted::Live(State::Queued));
    assert_eq!(rig.queue.delete(delayed).await.expect("an answer"), Deleted::Live(State::Scheduled));
    let claim = rig.take("t").await;
    assert_eq!(rig.queue.delete(waits).await.expect("an answer"), Deleted::Live(State::Running));
    rig.end(claim, success("1")).await;
    assert_eq!(rig.queue.job(waits).await.expect("an answer").map(|view| view.record.state), Some(State::Succeeded));
}

#[tokio::test]
async fn an_id_that_a_client_may_bring_again_makes_no_other_job() {
    let rig = Rig::start().await;
    let wanted = Submit { repeatable: true, ..job("t") };
    rig.submit(wanted.clone()).await;
    let claim = rig.take("t").await;
    rig.end(claim, success("1")).await;
    rig.queue.delete(wanted.id).await.expect("an answer");
    assert_eq!(rig.queue.submit(&wanted).await.expect("an answer"), Submitted::Deleted);
    let other = Submit { input: "[]".into(), ..wanted.clone() };
    assert_eq!(rig.queue.submit(&other).await.expect("an answer"), Submitted::Conflict);
    assert!(rig.claim(&["t"], 1).await.claims.is_empty());
    let tombstone = rig.queue.keys().deleted(wanted.id);
    let left: i64 = rig.hand.get(&["PTTL", &tombstone]).await;
    assert!(left <= DAY_MS && left > DAY_MS - 30_000, "{left}");
    // After those 24 hours the id is free again.
    rig.hand.get::<i64>(&["DEL", &tombstone]).await;
    assert_eq!(rig.queue.submit(&wanted).await.expect("an answer"), Submitted::Created(State::Queued));
}

#[tokio::test]
async fn a_tombstone_lasts_for_the_rest_of_the_day_and_a_minute_at_least() {
    let rig = Rig::start().await;
    for (repeatable, ended_ago, kept) in
        [(true, DAY_MS - 600_000, 600_000), (true, 3 * DAY_MS, 60_000), (false, 0, 60_000)]
    {
        let wanted = Submit { repeatable, ..job("t") };
        let id = rig.submit(wanted.clone()).await;
        let claim = rig.take("t").await;
        rig.end(claim, success("1")).await;
        let finished_at = rig.job(id).await.record.finished_at.expect("it has ended") - ended_ago;
        let key = rig.queue.keys().job(id);
        rig.hand.get::<i64>(&["HSET", &key, "finished_at", &finished_at.to_string()]).await;
        rig.queue.delete(id).await.expect("an answer");
        let left: i64 = rig.hand.get(&["PTTL", &rig.queue.keys().deleted(id)]).await;
        assert!(left <= kept && left > kept - 30_000, "{left} of {kept}");
        // A submission that was still under way.
        assert_eq!(rig.queue.submit(&wanted).await.expect("an answer"), Submitted::Deleted);
    }
}
