//! GET /v1/workers

use super::reply::json;
use crate::{
    app::App,
    error::Problem,
    extract::{WantsJson, query},
    view::WorkerJson,
};
use axum::{
    body::Body,
    extract::State,
    http::{Response, StatusCode, Uri},
};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Items<'a> {
    items: Vec<WorkerJson<'a>>,
}

/// GET /v1/workers: those that beat lately.
pub(crate) async fn list(State(app): State<Arc<App>>, _: WantsJson, uri: Uri) -> Result<Response<Body>, Problem> {
    query(&uri, &[])?;
    let workers = app.queue.workers().await?;
    json(StatusCode::OK, &Items { items: workers.iter().map(WorkerJson::from).collect() })
}
