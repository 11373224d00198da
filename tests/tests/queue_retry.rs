//! Retry: an ended job once more, as a new one; atomically, and never twice.

use dayfly_common::{
    model::{JobId, State},
    queue::{Retried, Retry, Submit, Submitted},
};
use dayfly_tests::rig::{Rig, failure, job, success, task};

fn again(of: JobId) -> Retry {
    Retry { of, id: JobId::now(), max_queued: None, repeatable: false, trace: None }
}

async fn failed(rig: &Rig, job: Submit) -> JobId {
    let id = rig.submit(job).await;
    rig.let_due(id).await;
    let claim = rig.take("t").await;
    rig.end(claim, failure(false)).await;
    id
}

const CREATED: Retried = Retried::Submitted(Submitted::Created(State::Queued));

#[tokio::test]
async fn the_new_job_is_the_old_one_again() {
    let rig = Rig::start().await;
    let old = Submit {
        input: "{\"big\":123456789012345678901234567890.10}".into(),
        priority: 2,
        delay_ms: 60_000,
        timeout_ms: Some(90_000),
        expires_ms: Some(3_600_000),
        retries: Some(3),
        retention_ms: Some(7_200_000),
        owner: "ada".to_owned(),
        labels: [("team".to_owned(), "blue".to_owned())].into(),
        ..job("t")
    };
    let of = failed(&rig, old.clone()).await;
    let retry = Retry { trace: Some("00-1-2-00".to_owned()), ..again(of) };
    assert_eq!(rig.queue.retry(&retry).await.expect("an answer"), CREATED);
    let view = rig.job(retry.id).await;
    assert_eq!(view.input, Some(old.input));
    let new = view.record;
    assert_eq!((new.state, new.retry_of, new.task), (State::Queued, Some(of), old.task));
    assert_eq!(
        (new.priority, new.timeout_ms, new.retries, new.retention_ms),
        (2, Some(90_000), Some(3), Some(7_200_000))
    );
    assert_eq!((new.owner, new.labels, new.trace), (old.owner, old.labels, retry.trace));
    assert_eq!((new.attempt, new.failures, new.error), (0, 0, None));
    assert_eq!(new.expires_at, Some(new.created_at + 3_600_000), "counted anew");
    let was = rig.job(of).await.record;
    assert_eq!((was.state, was.failures), (State::Failed, 1), "the old one stays as it ended");
    assert_eq!(rig.take("t").await.id, retry.id);
}

#[tokio::test]
async fn only_an_ended_job_whose_input_is_there() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    assert_eq!(rig.queue.retry(&again(id)).await.expect("an answer"), Retried::Wrong(State::Queued));
    let claim = rig.take("t").await;
    assert_eq!(rig.queue.retry(&again(id)).await.expect("an answer"), Retried::Wrong(State::Running));
    rig.end(claim, success("1")).await;
    rig.hand.get::<i64>(&["DEL", &rig.queue.keys().job_input(id)]).await;
    assert_eq!(rig.queue.retry(&again(id)).await.expect("an answer"), Retried::Trimmed);
    assert_eq!(rig.queue.retry(&again(JobId::now())).await.expect("an answer"), Retried::Unknown);
    assert!(rig.claim(&["t"], 4).await.claims.is_empty(), "none of them made a job");
    assert_eq!(rig.hand.get::<i64>(&["HGET", &rig.queue.keys().counts(), "t:queued"]).await, 0);
}

#[tokio::test]
async fn sent_again_it_makes_no_second_job() {
    let rig = Rig::start().await;
    let of = failed(&rig, job("t")).await;
    let another = failed(&rig, job("t")).await;
    let retry = again(of);
    assert_eq!(rig.queue.retry(&retry).await.expect("an answer"), CREATED);
    let exists = Retried::Submitted(Submitted::Exists);
    assert_eq!(rig.queue.retry(&retry).await.expect("an answer"), exists);
    rig.queue.delete(of).await.expect("an answer");
    assert_eq!(rig.queue.retry(&retry).await.expect("an answer"), exists, "also when the old one is gone");
    let taken = Retry { of: another, ..retry };
    assert_eq!(rig.queue.retry(&taken).await.expect("an answer"), Retried::Submitted(Submitted::Conflict));
    assert_eq!(rig.hand.get::<i64>(&["ZCARD", &rig.queue.keys().queue(&task("t"))]).await, 1);
}

#[tokio::test]
async fn a_full_queue_takes_no_retry() {
    let rig = Rig::start().await;
    let of = failed(&rig, job("t")).await;
    rig.submit(job("t")).await;
    let retry = Retry { max_queued: Some(1), ..again(of) };
    assert_eq!(rig.queue.retry(&retry).await.expect("an answer"), Retried::Submitted(Submitted::Full(1)));
    assert!(rig.queue.job(retry.id).await.expect("an answer").is_none());
}
