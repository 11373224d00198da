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

/// The job's JSON, with the defaults of its task.
pub(super) async fn job_body(app: &App, view: &JobView) -> Vec<u8> {
    let catalogue = app.catalogue.current().await;
    let task = catalogue.task(view.record.task.as_str());
    job_json(Shown { view, task: task.map(|task| &**task), message: None })
}

/// Says which wait was applied.
pub(super) fn applied(response: &mut Response<Body>, preference: Option<Preference>) {
    if let Some(value) = preference.and_then(|preference| HeaderValue::from_str(&preference.applied()).ok()) {
        response.headers_mut().insert(PREFERENCE_APPLIED, value);
    }
}
