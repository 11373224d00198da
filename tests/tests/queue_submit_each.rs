//! Many submits in one round trip: each is accepted or refused for itself, in order.

use dayfly_common::{
    model::{JobId, State},
    queue::{QueueError, Submit, Submitted},
};
use dayfly_tests::rig::{Rig, job};

#[tokio::test]
async fn each_is_answered_for_itself_in_order() {
    let rig = Rig::start().await;
    let keyed = Submit { id: JobId::from_idempotency_key("", "k"), repeatable: true, ..job("t") };
    let unique = || Submit { unique: Some("u".into()), ..job("t") };
    let holder = unique();
    let jobs = [
        Submit { max_queued: Some(2), ..job("t") },
        keyed.clone(),
        keyed.clone(),
        Submit { input: "[]".into(), ..keyed },
        Submit { max_queued: Some(2), ..job("t") },
        holder.clone(),
        unique(),
        Submit { delay_ms: 1_000, ..job("u") },
    ];
    let answers = rig.queue.submit_each(jobs.iter()).await.expect("an answer");
    let said: Vec<Submitted> = answers.iter().map(|answer| answer.as_ref().expect("an answer").0.clone()).collect();
    let queued = Submitted::Created(State::Queued);
    assert_eq!(
        said,
        [
            queued.clone(),
            queued.clone(),
            Submitted::Exists,
            Submitted::Conflict,
            Submitted::Full(2),
            queued,
            Submitted::NotUnique(holder.id),
            Submitted::Created(State::Scheduled),
        ]
    );
    assert!(answers[0].as_ref().expect("an answer").1.is_some(), "with its time");
    let again = rig.queue.submit_each(jobs[..1].iter()).await.expect("an answer");
    assert!(matches!(again[..], [Ok((Submitted::Exists, None))]), "{again:?}");
    assert!(rig.queue.submit_each([].iter()).await.expect("an answer").is_empty());
}

#[tokio::test]
async fn a_full_server_refuses_single_ones() {
    let rig = Rig::start().await;
    rig.queue.ensure_library().await.expect("loaded");
    let small = job("t");
    rig.submit(small.clone()).await;
    rig.hand.get::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let answers = rig.queue.submit_each([job("t"), job("t")].iter()).await.expect("an answer");
    assert_eq!(answers.len(), 2);
    for answer in answers {
        assert!(matches!(&answer, Err(QueueError::Refused(said)) if said.contains("OOM")), "{answer:?}");
    }
    rig.hand.get::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await;
}

#[tokio::test]
async fn a_missing_library_is_loaded_on_the_way() {
    let rig = Rig::start().await;
    rig.hand.get::<()>(&["FUNCTION", "FLUSH"]).await;
    let answers = rig.queue.submit_each([job("t"), job("t")].iter()).await.expect("an answer");
    assert!(answers.iter().all(|answer| matches!(answer, Ok((Submitted::Created(_), Some(_))))), "{answers:?}");
    assert_eq!(rig.hand.get::<i64>(&["ZCARD", &rig.queue.keys().queue(&job("t").task)]).await, 2);
}
