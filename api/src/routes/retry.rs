//! POST /v1/jobs/{id}/retry: an ended job once more, as a new one.

use super::{
    reply::applied,
    submit::{REPLAYED, accepted},
};
use crate::{
    app::App,
    auth::{Principal, visible},
    error::{Code, Problem, unknown_job},
    extract::{JobPath, WantsJson, idempotency_key, prefer_wait, query, read_body, traceparent},
    intake::{deleted, full, not_unique, owner_full, rate_limited},
    waiting,
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Response, StatusCode},
};
use dayfly_common::{
    model::{JobId, State as JobState},
    queue::{JobRecord, Queue, QueueError, Retried, Retry, Submitted},
};
use std::sync::Arc;

/// POST /v1/jobs/{id}/retry: answers as a submit does, with the new job.
pub(crate) async fn retry(
    State(app): State<Arc<App>>,
    _: WantsJson,
    who: Principal,
    JobPath(of): JobPath,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    query(&head.uri, &[])?;
    let preference = prefer_wait(&head.headers, app.max_wait_ms);
    let key = idempotency_key(&head.headers)?;
    let body = read_body(&head.headers, body, app.max_body).await?;
    if !matches!(body.trim_ascii(), b"" | b"{}") {
        let detail =
            "A retry takes no body: the new job has the task, the input, the options and the labels of the old one.";
        return Err(Problem::new(Code::InvalidInput, detail));
    }
    let old = visible(&who, of, app.queue.job(of).await?)?.record;
    if !old.state.is_terminal() {
        return Err(wrong_state(of, old.state));
    }
    let (task, _) = app.catalogue.find(old.task.as_str()).await?;
    let retry = Retry {
        of,
        id: key.as_deref().map_or_else(JobId::now, |key| JobId::from_idempotency_key(who.owner(), key)),
        max_queued: task.card.max_queued,
        repeatable: key.is_some(),
        trace: traceparent(&head.headers),
    };
    app.check_data()?;
    let replayed = submit(&app.queue, &retry, &old).await?;
    if !replayed {
        app.metrics.submitted(&old.task);
    }
    let mut view = visible(&who, retry.id, app.queue.job(retry.id).await?)?;
    if let Some(preference) = preference.filter(|_| !view.record.state.is_terminal()) {
        let bound = preference.bound(app.max_wait_ms);
        // The job is taken: whatever happens to the waiting, this is no error any more.
        if let Ok(Some(later)) = waiting::for_end(&app.queue, &app.events, &app.closing, retry.id, bound).await {
            view = later;
        }
    }
    let status = if view.record.state.is_terminal() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = accepted(status, &view, &task, None);
    applied(&mut response, preference);
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Sends it; once more when no answer came, which the same new id makes safe. Whether an earlier request had made the job.
async fn submit(queue: &Queue, retry: &Retry, old: &JobRecord) -> Result<bool, Problem> {
    let (owner, unique) = (&old.owner, old.unique.as_deref());
    let (retried, again) = match queue.retry(retry).await {
        Ok(retried) => (retried, false),
        Err(QueueError::Unreachable(_) | QueueError::Slow(_) | QueueError::NotReplicated { .. }) => {
            (queue.retry(retry).await.map_err(|error| unanswered(error, retry))?, true)
        }
        Err(
            other @ (QueueError::Refused(_)
            | QueueError::NoLibrary(_)
            | QueueError::NotDurable(_)
            | QueueError::Garbled(_)),
        ) => return Err(other.into()),
    };
    match retried {
        Retried::Submitted(Submitted::Created(_)) => Ok(false),
        Retried::Submitted(Submitted::Exists) => Ok(!again || retry.repeatable),
        Retried::Submitted(Submitted::Conflict) => {
            let detail = "This `Idempotency-Key` was used before, for another request. Send a new key for a new retry.";
            Err(Problem::new(Code::IdempotencyConflict, detail).about(retry.id))
        }
        Retried::Submitted(Submitted::Deleted) => Err(deleted(retry.id)),
        Retried::Submitted(Submitted::Full(waiting)) => Err(full(&old.task, retry.max_queued, waiting)),
        Retried::Submitted(Submitted::NotUnique(holder)) => Err(not_unique(unique, holder, retry.id)),
        Retried::Submitted(Submitted::OwnerFull { waiting, most }) => Err(owner_full(owner, waiting, most)),
        Retried::Submitted(Submitted::RateLimited { retry_ms }) => Err(rate_limited(owner, retry_ms)),
        Retried::Wrong(state) => Err(wrong_state(retry.of, state)),
        Retried::Trimmed => {
            let of = retry.of;
            let detail = format!("The input of the job {of} is no longer stored: submit it anew, with its input.");
            Err(Problem::new(Code::ResultExpired, detail).about(of))
        }
        Retried::Unknown => Err(unknown_job(retry.of)),
    }
}

fn wrong_state(id: JobId, state: JobState) -> Problem {
    let detail =
        format!("The job {id} is {state}: only a job that has ended can be retried. Cancel it first, or wait.");
    Problem::new(Code::WrongState, detail).about(id)
}

/// Neither attempt was answered: whether the new job is stored is not known when one of them may have arrived.
fn unanswered(error: QueueError, retry: &Retry) -> Problem {
    if !matches!(error, QueueError::Slow(_) | QueueError::NotReplicated { .. }) {
        return error.into();
    }
    let how = if retry.repeatable {
        "Send the same request with the same Idempotency-Key again: it cannot make a second job."
    } else {
        "Look for the job under `job`; with an Idempotency-Key a request can be sent again without making a second job."
    };
    Problem::new(Code::OutcomeUnknown, format!("Redis did not confirm it, so the new job may be stored or not. {how}"))
        .retry_after(1)
        .about(retry.id)
        .caused_by(&error)
}
