//! GET /v1/workers

use super::reply::json;
use crate::{
    app::App,
    auth::Principal,
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

/// GET /v1/workers: those that beat lately, with what they run of what the client may see.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: WantsJson,
    who: Principal,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    query(&uri, &[])?;
    let mut workers = app.queue.workers().await?;
    if !who.sees_all() {
        for worker in &mut workers {
            let owners = app.queue.owners_of(&worker.jobs).await?;
            let seen = worker.jobs.iter().zip(owners);
            let seen = seen.filter(|(_, owner)| owner.as_deref().is_some_and(|owner| who.sees(owner)));
            worker.jobs = seen.map(|(id, _)| *id).collect();
        }
    }
    json(StatusCode::OK, &Items { items: workers.iter().map(WorkerJson::from).collect() })
}
