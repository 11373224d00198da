//! POST /v1/tasks/{task}, and a task's own `route`: a job is taken, and answered for at once.

use super::{
    reply::{applied, json_bytes},
    retry::deleted,
};
use crate::{
    app::App,
    auth::{Principal, visible},
    catalogue::Task,
    error::{Code, Problem},
    extract::{SubmitOptions, TaskPath, WantsJson, idempotency_key, prefer_wait, read_body, read_input, traceparent},
    view::{Shown, fresh_job, job_json},
    waiting,
};
use axum::{
    body::Body,
    extract::{FromRequestParts as _, Request, State},
    http::{HeaderName, HeaderValue, Method, Response, StatusCode, header},
};
use dayfly_common::{
    model::{JobId, State as JobState},
    queue::{JobView, Queue, QueueError, Submit, Submitted},
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Longest `Retry-After` of a scheduled job, s.
const LONGEST_RETRY_AFTER: u64 = 3_600;

/// What became of an accepted submit.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    /// A new job, with its `created_at`.
    New(JobState, i64),
    /// New, too, but only the repetition was answered.
    Again,
    /// The job that this key had made before.
    Before,
}

/// POST /v1/tasks/{task}
pub(crate) async fn by_name(
    State(app): State<Arc<App>>,
    _: WantsJson,
    TaskPath(name): TaskPath,
    request: Request,
) -> Result<Response<Body>, Problem> {
    accept(&app, &name, request, None).await
}

/// Any path that no route of ours has: a task may have it as its `route`.
pub(crate) async fn by_route(State(app): State<Arc<App>>, request: Request) -> Result<Response<Body>, Problem> {
    let path = request.uri().path();
    let Some(name) = app.catalogue.route(path).await else {
        let shown: String = path.chars().take(200).collect();
        let detail = format!("There is nothing at {shown}. Jobs are at /v1/jobs, tasks at /v1/tasks.");
        return Err(Problem::new(Code::NotFound, detail));
    };
    if request.method() != Method::POST {
        return Err(wrong_method(request).await.with_header(header::ALLOW, HeaderValue::from_static("POST, OPTIONS")));
    }
    let (mut head, body) = request.into_parts();
    WantsJson::from_request_parts(&mut head, &()).await?;
    accept(&app, &name, Request::from_parts(head, body), Some("job created")).await
}

/// A path of ours, by another method; the router adds `Allow`.
pub(crate) async fn wrong_method(request: Request) -> Problem {
    let (method, path) = (request.method(), request.uri().path());
    let detail = format!("{method} is not allowed at {path}: the header `Allow` lists what is.");
    Problem::new(Code::MethodNotAllowed, detail)
}

async fn accept(
    app: &App,
    name: &str,
    request: Request,
    message: Option<&'static str>,
) -> Result<Response<Body>, Problem> {
    let (task, live_workers) = app.catalogue.find(name).await?;
    let (head, body) = request.into_parts();
    let who = Principal::of(&head.extensions)?;
    let now_ms = now_ms();
    let options = SubmitOptions::read(&head.uri, &task.card, now_ms)?;
    let preference = prefer_wait(&head.headers, app.max_wait_ms);
    let key = idempotency_key(&head.headers)?;
    let body = read_body(&head.headers, body, app.max_body).await?;
    let job = Submit {
        id: key.as_deref().map_or_else(JobId::now, |key| JobId::from_idempotency_key(who.owner(), key)),
        task: task.card.name.clone(),
        input: read_input(&head.headers, body, task.schema.as_ref()).await?,
        priority: options.priority,
        delay_ms: options.delay_ms,
        timeout_ms: options.timeout_ms,
        expires_ms: options.expires_ms,
        retries: options.retries,
        retention_ms: options.retention_ms,
        max_queued: task.card.max_queued,
        repeatable: key.is_some(),
        trace: traceparent(&head.headers),
        owner: who.owner().to_owned(),
        labels: BTreeMap::new(),
        unique: None,
        retry_of: None,
    };
    app.check_data()?;
    let taken = submit(&app.queue, &job).await?;
    let mut view = match taken {
        Taken::New(state, created_at) => fresh_job(&job, state, created_at, live_workers),
        Taken::Again => match app.queue.job(job.id).await {
            Ok(Some(view)) => view,
            // It is taken: that it cannot be read just now is no error any more.
            Ok(None) | Err(_) => fresh_job(&job, usual_state(&job), now_ms, live_workers),
        },
        Taken::Before => visible(&who, job.id, app.queue.job(job.id).await?)?,
    };
    if let Some(preference) = preference.filter(|_| !view.record.state.is_terminal()) {
        let bound = preference.bound(app.max_wait_ms);
        // The job is taken: whatever happens to the waiting, this is no error any more.
        if let Ok(Some(later)) = waiting::for_end(&app.queue, &app.events, &app.closing, job.id, bound).await {
            view = later;
        }
    }
    let mut response = accepted(&view, &task, message);
    applied(&mut response, preference);
    if taken == Taken::Before {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// 200 for a job that has ended, 202 for one that has not.
pub(super) fn accepted(view: &JobView, task: &Task, message: Option<&'static str>) -> Response<Body> {
    let record = &view.record;
    let status = if record.state.is_terminal() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = json_bytes(status, job_json(Shown { view, task: Some(task), message }));
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/jobs/{}", record.id)) {
        headers.insert(header::LOCATION, location);
    }
    if status == StatusCode::ACCEPTED {
        let ahead_ms = u64::try_from(record.ready_at.saturating_sub(now_ms())).unwrap_or(0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(ahead_ms.div_ceil(1000).clamp(1, LONGEST_RETRY_AFTER)));
    }
    response
}

/// Submits; once more when no answer came, which the same id makes safe.
async fn submit(queue: &Queue, job: &Submit) -> Result<Taken, Problem> {
    let ((submitted, created_at), again) = match queue.submit_timed(job).await {
        Ok(answer) => (answer, false),
        Err(first @ (QueueError::Unreachable(_) | QueueError::Slow(_) | QueueError::NotReplicated { .. })) => {
            let answer = queue.submit_timed(job).await.map_err(|second| unanswered(&first, second, job))?;
            (answer, true)
        }
        Err(
            other @ (QueueError::Refused(_)
            | QueueError::NoLibrary(_)
            | QueueError::NotDurable(_)
            | QueueError::Garbled(_)),
        ) => return Err(other.into()),
    };
    match submitted {
        Submitted::Created(state) => Ok(Taken::New(state, created_at.unwrap_or_else(now_ms))),
        // The first of the two was stored and its answer lost.
        Submitted::Exists if again && !job.repeatable => Ok(Taken::Again),
        Submitted::Exists => Ok(Taken::Before),
        Submitted::Conflict => {
            let detail = "This `Idempotency-Key` was used before, for another task or another input. Send \
                          the same request to get that job again, or a new key for a new one.";
            Err(Problem::new(Code::IdempotencyConflict, detail).about(job.id))
        }
        Submitted::Deleted => Err(deleted(job.id)),
        Submitted::Full(waiting) => {
            let (name, most) = (&job.task, job.max_queued.unwrap_or(waiting));
            let detail = format!(
                "{waiting} jobs of the task `{name}` wait already and it takes at most {most} (`max_queued`). Please try \
                 again when some have run."
            );
            Err(Problem::new(Code::QueueFull, detail).retry_after(5))
        }
        Submitted::OwnerFull { waiting, most } => Err(owner_full(&job.owner, waiting, most)),
        Submitted::RateLimited { retry_ms } => Err(rate_limited(&job.owner, retry_ms)),
    }
}

/// A quota of waiting jobs is used up.
pub(super) fn owner_full(owner: &str, waiting: u64, most: u64) -> Problem {
    let detail = format!(
        "{waiting} jobs of the owner `{owner}` wait already and it may have at most {most} (its quota). Please try again when \
         some have run."
    );
    Problem::new(Code::QueueFull, detail).retry_after(5)
}

/// A quota of submits is used up for now.
pub(super) fn rate_limited(owner: &str, retry_ms: u64) -> Problem {
    let seconds = u16::try_from(retry_ms.div_ceil(1_000)).unwrap_or(u16::MAX).max(1);
    let detail = format!(
        "The owner `{owner}` submits more often than its quota allows. The next job is taken in {retry_ms} ms."
    );
    Problem::new(Code::RateLimited, detail).retry_after(seconds)
}

fn usual_state(job: &Submit) -> JobState {
    if job.delay_ms > 0 { JobState::Scheduled } else { JobState::Queued }
}

/// Neither attempt was answered: whether the job is stored is not known when one of them may have arrived.
fn unanswered(first: &QueueError, second: QueueError, job: &Submit) -> Problem {
    let unknown = |error: &QueueError| matches!(error, QueueError::Slow(_) | QueueError::NotReplicated { .. });
    if !unknown(first) && !unknown(&second) {
        return second.into();
    }
    let how = if job.repeatable {
        "Send the same request with the same Idempotency-Key again: it cannot make a second job."
    } else {
        "Look for the job under `job`; with an Idempotency-Key a request can be sent again without making a second job."
    };
    let why = match &second {
        QueueError::NotReplicated { .. } => {
            "The job is stored, but too few replicas of Redis have it, so a failover may still lose it."
        }
        _ => "Redis did not answer, so the job may be stored or not.",
    };
    Problem::new(Code::OutcomeUnknown, format!("{why} {how}"))
        .retry_after(1)
        .about(job.id)
        .caused_by(format_args!("{first}; then {second}"))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
