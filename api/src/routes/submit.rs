//! POST /v1/tasks/{task}, and a task's own `route`: a job is taken, and answered for at once.

use super::reply::{applied, json_bytes};
use crate::{
    app::App,
    auth::{Principal, visible},
    catalogue::Task,
    error::{Code, Problem},
    extract::{
        OPTION_NAMES, SubmitOptions, TaskPath, WantsJson, idempotency_key, prefer_wait, query, read_body, read_input,
        traceparent,
    },
    intake::{Named, Offer, Taken, now_ms, take},
    view::{Shown, fresh_job, job_json},
    waiting,
};
use axum::{
    body::Body,
    extract::{FromRequestParts as _, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header},
};
use dayfly_common::{
    model::{JobId, State as JobState},
    queue::{JobView, Submit},
};
use std::sync::Arc;

pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Longest `Retry-After` of a scheduled job, s.
const LONGEST_RETRY_AFTER: u64 = 3_600;

/// POST /v1/tasks/{task}
pub(crate) async fn by_name(
    State(app): State<Arc<App>>,
    _: WantsJson,
    TaskPath(name): TaskPath,
    request: Request,
) -> Result<Response<Body>, Problem> {
    accept(&app, Target { task: &name, id: None, message: None, names: &OPTION_NAMES }, request).await
}

/// Any path that no route of ours has: a task may have it as its `route`.
pub(crate) async fn by_route(State(app): State<Arc<App>>, request: Request) -> Result<Response<Body>, Problem> {
    let path = request.uri().path();
    let name = app.catalogue.route(path).await;
    if name.is_some() && request.method() == Method::OPTIONS {
        let mut allowed = Response::new(Body::empty());
        *allowed.status_mut() = StatusCode::NO_CONTENT;
        allowed.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        return Ok(allowed);
    }
    let Some(name) = name.filter(|_| request.method() == Method::POST) else {
        return Err(no_job(&app, request.method(), path).await);
    };
    let (mut head, body) = request.into_parts();
    WantsJson::from_request_parts(&mut head, &()).await?;
    let target = Target { task: &name, id: None, message: Some("job created"), names: &OPTION_NAMES };
    accept(&app, target, Request::from_parts(head, body)).await
}

/// What a request is told that submits no job: the path is no task's route, or the method is not POST.
pub(crate) async fn no_job(app: &App, method: &Method, path: &str) -> Problem {
    if app.catalogue.route(path).await.is_some() {
        return not_allowed(method, path).with_header(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    }
    let shown: String = path.chars().take(200).collect();
    Problem::new(Code::NotFound, format!("There is nothing at {shown}. Jobs are at /v1/jobs, tasks at /v1/tasks."))
}

/// A path of ours, by another method; the router adds `Allow`.
pub(crate) async fn wrong_method(request: Request) -> Problem {
    not_allowed(request.method(), request.uri().path())
}

fn not_allowed(method: &Method, path: &str) -> Problem {
    let detail = format!("{method} is not allowed at {path}: the header `Allow` lists what is.");
    Problem::new(Code::MethodNotAllowed, detail)
}

/// What the path says of a submit.
pub(super) struct Target<'a> {
    pub(super) task: &'a str,
    /// The client's own id; without, one of an `Idempotency-Key` or of this server.
    pub(super) id: Option<JobId>,
    /// For the answer of a task's `route`.
    pub(super) message: Option<&'static str>,
    /// What the query may hold beside the options.
    pub(super) names: &'a [&'static str],
}

/// Takes a job and answers for it.
pub(super) async fn accept(app: &App, target: Target<'_>, request: Request) -> Result<Response<Body>, Problem> {
    let (task, live_workers) = app.catalogue.find(target.task).await?;
    let (head, body) = request.into_parts();
    let who = Principal::of(&head.extensions)?;
    let now_ms = now_ms();
    let options = SubmitOptions::of(&query(&head.uri, target.names)?, &task.card, now_ms)?;
    let preference = prefer_wait(&head.headers, app.max_wait_ms);
    let named = named(&head.headers, target.id)?;
    let body = read_body(&head.headers, body, app.max_body).await?;
    let input = read_input(&head.headers, body, task.schema.as_ref()).await?;
    let offer = Offer::new(who.owner(), &task, input, options, named, traceparent(&head.headers));
    app.check_data()?;
    let taken = take(&app.queue, &offer).await?;
    let job = &offer.job;
    if taken != Taken::Before {
        app.metrics.submitted(&job.task);
    }
    let mut view = match taken {
        Taken::New(state, created_at) => fresh_job(job, state, created_at, live_workers),
        Taken::Again => match app.queue.job(job.id).await {
            Ok(Some(view)) => view,
            // It is taken: that it cannot be read just now is no error any more.
            Ok(None) | Err(_) => fresh_job(job, usual_state(job), now_ms, live_workers),
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
    let existed = taken == Taken::Before && target.id.is_some();
    let status = if existed || view.record.state.is_terminal() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = accepted(status, &view, &task, target.message);
    applied(&mut response, preference);
    if taken == Taken::Before {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Where the job has its id from.
fn named(headers: &HeaderMap, own: Option<JobId>) -> Result<Named, Problem> {
    match (own, idempotency_key(headers)?) {
        (Some(_), Some(_)) => {
            let detail = "The id in the path tells a repeated request already: leave the `Idempotency-Key` out.";
            Err(Problem::new(Code::OptionConflict, detail))
        }
        (Some(id), None) => Named::by_client(id),
        (None, Some(key)) => Ok(Named::ByKey(key)),
        (None, None) => Ok(Named::Here),
    }
}

/// The job, and where it is.
pub(super) fn accepted(
    status: StatusCode,
    view: &JobView,
    task: &Task,
    message: Option<&'static str>,
) -> Response<Body> {
    let record = &view.record;
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

fn usual_state(job: &Submit) -> JobState {
    if job.delay_ms > 0 { JobState::Scheduled } else { JobState::Queued }
}
