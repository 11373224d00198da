//! GET /metrics: numbers for Prometheus.

use crate::{
    app::App,
    error::{Code, Problem},
    extract::{Accepts, query},
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Response, Uri, header},
};
use dayfly_common::metrics::CONTENT_TYPE;
use std::sync::Arc;

/// GET /metrics. Answers also while Redis is away: then `dayfly_redis_up` is 0.
pub(crate) async fn all(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response<Body>, Problem> {
    Accepts::check(&headers, "text/plain")?;
    query(&uri, &[])?;
    let text = app.metrics.text(&app.queue).await;
    let text = text.map_err(|why| Problem::new(Code::Internal, "The metrics could not be written.").caused_by(why))?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    Ok(response)
}
