//! Finish: the end of an attempt, written once, by its holder.

use dayfly_common::{
    model::{ErrorKind, KilledBy, Outcome, State, Usage},
    queue::{Finished, Submit},
};
use dayfly_tests::rig::{Rig, ask, failure, job, success};

#[tokio::test]
async fn a_success_stores_the_result_and_leaves_nothing_behind() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let mut end = rig.take("t").await.finish("w", success("{\"factors\":[2,3,7]}"));
    end.usage = Some(Usage { wall_ms: 12, cpu_ms: 9, max_rss_bytes: 4_096, ..Usage::default() });
    end.pid = Some(4_711);
    let done = rig.queue.finish(&[end], None).await.expect("an answer").0;
    assert_eq!(done, [Finished::Done(State::Succeeded)]);
    let view = rig.job(id).await;
    assert_eq!(view.result.as_deref(), Some(&b"{\"factors\":[2,3,7]}"[..]));
    assert_eq!(view.record.result_type.as_deref(), Some("application/json"));
    assert_eq!((view.record.result_bytes, view.record.truncated, view.record.pid), (Some(19), false, Some(4_711)));
    assert_eq!(view.record.usage.expect("usage").cpu_ms, 9);
    assert_eq!((view.record.lease, view.record.deadline_at), (None, None));
    assert_eq!((view.attempts.len(), view.attempts[0].outcome.as_str()), (1, "succeeded"));
    let keys = rig.queue.keys();
    for gone in [keys.leases(), keys.held("w"), keys.queues()] {
        assert_eq!(rig.hand.get::<i64>(&["EXISTS", &gone]).await, 0, "{gone}");
    }
    assert_eq!(rig.hand.get::<i64>(&["HGET", &keys.counts(), "t:running"]).await, 0);
    assert_eq!(rig.hand.get::<i64>(&["HGET", &keys.counts(), "t:succeeded"]).await, 1);
}

#[tokio::test]
async fn an_ended_job_is_kept_as_long_as_somebody_said() {
    let rig = Rig::start().await;
    let hour = 3_600_000;
    for (job, of_task, kept) in [
        (job("t"), 2 * hour, 2 * hour),
        (Submit { retention_ms: Some(hour), ..job("t") }, 2 * hour, hour),
        (Submit { repeatable: true, retention_ms: Some(hour), ..job("t") }, 2 * hour, 24 * hour),
        (Submit { retention_ms: Some(0), ..job("t") }, 2 * hour, 60_000),
    ] {
        let id = rig.submit(job).await;
        let mut end = rig.take("t").await.finish("w", success("1"));
        end.retention_ms = of_task;
        rig.queue.finish(&[end], None).await.expect("an answer");
        let keys = rig.queue.keys();
        for key in [keys.job(id), keys.job_input(id), keys.job_result(id), keys.job_attempts(id)] {
            let left: u64 = rig.hand.get(&["PTTL", &key]).await;
            assert!(left <= kept && left > kept - 20_000, "{key}: {left} of {kept}");
        }
    }
}

#[tokio::test]
async fn the_same_finish_again_changes_nothing_and_anothers_is_refused() {
    let rig = Rig::start().await;
    let id = rig.submit(job("t")).await;
    let end = rig.take("t").await.finish("w", success("1"));
    let mut other = end.clone();
    other.fence.nonce = ask("w", &[], 1).nonces.remove(0);
    other.outcome = failure(false);
    let both = rig.queue.finish(&[other.clone(), end.clone(), end, other], None).await.expect("an answer").0;
    let success = State::Succeeded;
    assert_eq!(both, [Finished::Fenced, Finished::Done(success), Finished::Already(success), Finished::Fenced]);
    assert_eq!(rig.job(id).await.attempts.len(), 1);
    assert_eq!(rig.hand.get::<i64>(&["HGET", &rig.queue.keys().counts(), "t:succeeded"]).await, 1);
}

#[tokio::test]
async fn a_failure_is_retried_after_its_backoff_and_then_final() {
    let rig = Rig::start().await;
    let id = rig.submit(Submit { retries: Some(1), ..job("t") }).await;
    let mut end = rig.take("t").await.finish("w", failure(true));
    end.retry_delay_ms = 60_000;
    let again = end.clone();
    assert_eq!(rig.queue.finish(&[end], None).await.expect("an answer").0, [Finished::Done(State::Scheduled)]);
    let record = rig.job(id).await.record;
    assert_eq!((record.failures, record.started_at, record.error), (1, None, None));
    assert!(record.ready_at >= record.created_at + 60_000);
    assert_eq!(rig.queue.finish(&[again], None).await.expect("an answer").0, [Finished::Already(State::Scheduled)]);
    rig.let_due(id).await;
    let second = rig.take("t").await;
    assert_eq!((second.fence.attempt, second.failures), (2, 1));
    assert_eq!(rig.end(second, failure(true)).await, Finished::Done(State::Failed));
    let view = rig.job(id).await;
    let error = view.record.error.expect("an error");
    assert_eq!(
        (error.kind, error.exit_code, error.stderr_tail.as_str()),
        (ErrorKind::ExitCode, Some(3), "oh \"dear\"\n")
    );
    assert_eq!((view.record.failures, view.attempts.len()), (2, 2));
    assert_eq!(view.attempts[0].error.as_ref().expect("an error").exit_code, Some(3));
}

#[tokio::test]
async fn the_tasks_own_retries_count_when_the_client_named_none() {
    let rig = Rig::start().await;
    rig.submit(job("t")).await;
    let mut end = rig.take("t").await.finish("w", failure(true));
    end.retries = 1;
    assert_eq!(rig.queue.finish(&[end], None).await.expect("an answer").0, [Finished::Done(State::Scheduled)]);
    rig.submit(Submit { retries: Some(0), ..job("u") }).await;
    let mut end = rig.take("u").await.finish("w", failure(true));
    end.retries = 1;
    assert_eq!(rig.queue.finish(&[end], None).await.expect("an answer").0, [Finished::Done(State::Failed)]);
    rig.submit(Submit { retries: Some(3), ..job("v") }).await;
    let end = rig.take("v").await;
    assert_eq!(rig.end(end, failure(false)).await, Finished::Done(State::Failed), "not retryable");
}

#[tokio::test]
async fn a_drained_job_goes_back_to_its_place_free_unless_it_must_not_run_twice() {
    let rig = Rig::start().await;
    let first = rig.submit(job("t")).await;
    rig.submit(job("t")).await;
    let claim = rig.take("t").await;
    assert_eq!(rig.end(claim, Outcome::Drained).await, Finished::Done(State::Queued));
    let view = rig.job(first).await;
    assert_eq!((view.queue_position, view.record.failures, view.record.lost), (Some(0), 0, 0));
    assert_eq!(view.attempts[0].outcome, "drained");

    let mut end = rig.take("t").await.finish("w", Outcome::Drained);
    assert_eq!((end.id, end.fence.attempt), (first, 2));
    end.lost_retries = 0;
    assert_eq!(rig.queue.finish(&[end], None).await.expect("an answer").0, [Finished::Done(State::Failed)]);
    assert_eq!(rig.job(first).await.record.error.expect("an error").kind, ErrorKind::Lost);
}

#[tokio::test]
async fn a_cancel_turns_every_outcome_but_success_into_cancelled() {
    let rig = Rig::start().await;
    for (outcome, state) in [
        (success("1"), State::Succeeded),
        (failure(true), State::Cancelled),
        (Outcome::Drained, State::Cancelled),
        (Outcome::Cancelled, State::Cancelled),
    ] {
        let id = rig.submit(Submit { retries: Some(9), ..job("t") }).await;
        let mut end = rig.take("t").await.finish("w", outcome);
        rig.queue.cancel(id, Some("no longer needed"), None).await.expect("asked");
        end.killed_by = Some(KilledBy::Cancel);
        end.kill_ms = Some(7);
        assert_eq!(rig.queue.finish(&[end], None).await.expect("an answer").0, [Finished::Done(state)]);
        let record = rig.job(id).await.record;
        assert_eq!((record.killed_by, record.kill_ms, record.error), (Some(KilledBy::Cancel), Some(7), None));
        assert_eq!(record.cancel_reason.as_deref(), Some("no longer needed"));
        assert_eq!(rig.hand.get::<i64>(&["EXISTS", &rig.queue.keys().cancel(id)]).await, 0);
    }
}

#[tokio::test]
async fn ends_and_the_next_claim_share_one_round_trip() {
    let rig = Rig::start().await;
    let ids = [rig.submit(job("t")).await, rig.submit(job("t")).await];
    let end = rig.take("t").await.finish("w", success("1"));
    let next = ask("w", &["t"], 1);
    let (done, claimed) = rig.queue.finish(std::slice::from_ref(&end), Some(&next)).await.expect("an answer");
    assert_eq!(done, [Finished::Done(State::Succeeded)]);
    assert_eq!(claimed.expect("asked for").claims[0].id, ids[1]);
    let (done, claimed) = rig.queue.finish(&[end], Some(&next)).await.expect("an answer");
    assert_eq!(done, [Finished::Already(State::Succeeded)]);
    assert_eq!(claimed.expect("asked for").claims[0].id, ids[1], "both parts may be repeated");
}
