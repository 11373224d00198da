//! POST /v1/workers/{id}/drain: a worker is asked to leave.

use super::reply::json;
use crate::{
    app::App,
    error::{Code, Problem},
    extract::{TaskPath, WantsJson, query},
    view::WorkerJson,
};
use axum::{
    body::Body,
    extract::State,
    http::{Response, StatusCode, Uri},
};
use std::sync::Arc;

/// POST /v1/workers/{id}/drain: 202; it hears of it with its next heartbeat, and drains as for SIGTERM.
pub(crate) async fn drain(
    State(app): State<Arc<App>>,
    _: WantsJson,
    TaskPath(id): TaskPath,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    query(&uri, &[])?;
    if app.queue.drain_worker(&id).await?
        && let Some(worker) = app.queue.workers().await?.iter().find(|worker| worker.presence.id == id)
    {
        return json(StatusCode::ACCEPTED, &WorkerJson::from(worker));
    }
    let shown: String = id.chars().take(80).collect();
    let detail = format!("There is no live worker `{shown}`. GET /v1/workers lists those that have beaten lately.");
    Err(Problem::new(Code::UnknownWorker, detail))
}
