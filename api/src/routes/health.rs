//! GET /healthz: this process is alive. GET /readyz: it can do its work.

use super::reply::json_bytes;
use crate::{
    app::App,
    error::{Code, Problem},
};
use axum::{
    body::Body,
    extract::State,
    http::{Response, StatusCode},
};
use std::sync::Arc;

/// GET /healthz. Says nothing of Redis: restarting this process would not mend that.
pub(crate) async fn alive() -> Response<Body> {
    json_bytes(StatusCode::OK, br#"{"status":"ok"}"#.to_vec())
}

/// GET /readyz
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<Response<Body>, Problem> {
    if app.closing.is_cancelled() {
        return Err(Problem::new(Code::Draining, "This server is shutting down: use another.").retry_after(1));
    }
    app.check_data()?;
    let took = app.queue.ping().await?;
    let body = format!(r#"{{"status":"ready","redis_ms":{:.3}}}"#, took.as_secs_f64() * 1000.0);
    Ok(json_bytes(StatusCode::OK, body.into_bytes()))
}
