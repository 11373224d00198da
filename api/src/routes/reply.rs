//! Answers that several routes give.

use crate::{
    app::App,
    error::Problem,
    extract::Preference,
    view::{Shown, job_json},
};
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
};
use dayfly_common::queue::JobView;
use serde::Serialize;
use std::hash::{DefaultHasher, Hasher as _};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// A JSON answer from bytes.
pub(super) fn json_bytes(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Result<Response<Body>, Problem> {
    let body = serde_json::to_vec(value)
        .map_err(|why| Problem::new(crate::error::Code::Internal, "The answer could not be written.").caused_by(why))?;
    Ok(json_bytes(status, body))
}

/// The job's JSON, with the defaults of its task and, while it is queued, an estimate of its start.
pub(super) async fn job_body(app: &App, view: &JobView) -> Vec<u8> {
    tagged_body(app, view).await.0
}

/// As [`job_body`], with its entity tag. An estimate counts from now and would change each time: the tag does not stand for it, and
/// is a weak one then (RFC 9110, 8.8.1).
pub(super) async fn tagged_body(app: &App, view: &JobView) -> (Vec<u8>, String) {
    let catalogue = app.catalogue.current().await;
    let task = catalogue.task(view.record.task.as_str()).map(|task| &**task);
    let body = job_json(Shown { view, task, message: None });
    let tag = entity_tag(&body);
    match app.pace.start_of(&app.queue, view).await {
        None => (body, tag),
        at @ Some(_) => {
            let view = JobView { estimated_start_at: at, ..view.clone() };
            (job_json(Shown { view: &view, task, message: None }), format!("W/{tag}"))
        }
    }
}

/// Same bytes, same tag. (A tag need not outlive this version of the program.)
pub(super) fn entity_tag(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    format!("\"{:016x}\"", hasher.finish())
}

/// Says which wait was applied.
pub(super) fn applied(response: &mut Response<Body>, preference: Option<Preference>) {
    if let Some(value) = preference.and_then(|preference| HeaderValue::from_str(&preference.applied()).ok()) {
        response.headers_mut().insert(PREFERENCE_APPLIED, value);
    }
}
