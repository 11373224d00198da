//! GET /v1/jobs/{id}/result: what the job printed, byte by byte.

use super::reply::applied;
use crate::{
    app::App,
    auth::{Principal, visible},
    error::{Code, Problem},
    extract::{Accepts, JobPath, prefer_wait, query},
    waiting,
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Response, Uri, header},
};
use dayfly_common::{model::State as JobState, queue::JobRecord};
use std::sync::Arc;

/// The media types results have; a record cannot make up another.
const TYPES: [&str; 3] = ["application/json", "text/plain; charset=utf-8", "application/octet-stream"];

/// GET /v1/jobs/{id}/result; `Prefer: wait=N` waits for the job's end.
pub(crate) async fn raw(
    State(app): State<Arc<App>>,
    who: Principal,
    JobPath(id): JobPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    query(&uri, &[])?;
    let preference = prefer_wait(&headers, app.max_wait_ms);
    let view = match preference {
        None => app.queue.job(id).await?,
        Some(preference) => {
            app.must_see(&who, id).await?;
            let bound = preference.bound(app.max_wait_ms);
            waiting::for_end(&app.queue, &app.events, &app.closing, id, bound).await?
        }
    };
    let view = visible(&who, id, view)?;
    if view.record.state != JobState::Succeeded {
        return Err(no_result(&view.record));
    }
    let Some(result) = view.result else {
        let detail = format!("The job {id} succeeded, but its result is no longer kept (`retention`).");
        return Err(Problem::new(Code::ResultExpired, detail).about(id));
    };
    let kind = view.record.result_type.as_deref();
    let kind = TYPES.into_iter().find(|known| Some(*known) == kind).unwrap_or("application/octet-stream");
    Accepts::check(&headers, kind.split(';').next().unwrap_or(kind))?;
    let mut response = Response::new(Body::from(result));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    applied(&mut response, preference);
    Ok(response)
}

fn no_result(job: &JobRecord) -> Problem {
    let (id, state) = (job.id, job.state);
    let why = match state {
        JobState::Scheduled | JobState::Queued | JobState::Running => {
            "It has no result yet: ask again later, or with the header `Prefer: wait=60`.".to_owned()
        }
        JobState::Failed => {
            let error = job.error.as_ref().map_or("no reason was recorded", |error| error.message.as_str());
            format!("It has no result: {error}. GET /v1/jobs/{id} has the error, and /v1/jobs/{id}/logs what it wrote.")
        }
        JobState::Cancelled => "It has no result and will not get one.".to_owned(),
        JobState::Succeeded => "It has a result.".to_owned(),
    };
    Problem::new(Code::WrongState, format!("The job {id} is {state}. {why}")).about(id)
}
