//! GET /v1/tasks, GET /v1/tasks/{task}, and pausing. A task is its own queue.

use super::reply::json;
use crate::{
    app::App,
    catalogue::Task,
    error::Problem,
    extract::{TaskPath, WantsJson, query},
    view::TaskJson,
};
use axum::{
    body::Body,
    extract::State,
    http::{Response, StatusCode, Uri},
};
use dayfly_common::queue::{QueueError, TaskStatus};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

#[derive(Serialize)]
struct Items<'a> {
    items: Vec<TaskJson<'a>>,
}

/// What is known of a task: by the catalogue, by the queue, or by both.
pub(crate) type Known = (Option<Arc<Task>>, Option<TaskStatus>);

/// GET /v1/tasks
pub(crate) async fn list(State(app): State<Arc<App>>, _: WantsJson, uri: Uri) -> Result<Response<Body>, Problem> {
    query(&uri, &[])?;
    let known = all(&app).await?;
    json(StatusCode::OK, &Items { items: known.values().filter_map(shown).collect() })
}

/// GET /v1/tasks/{task}
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    _: WantsJson,
    TaskPath(name): TaskPath,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    query(&uri, &[])?;
    answer(&app, &name).await
}

/// POST /v1/tasks/{task}/pause: no further job is started; running ones go on.
pub(crate) async fn pause(
    State(app): State<Arc<App>>,
    _: WantsJson,
    TaskPath(name): TaskPath,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    set_paused(&app, &name, &uri, true).await
}

/// POST /v1/tasks/{task}/resume
pub(crate) async fn resume(
    State(app): State<Arc<App>>,
    _: WantsJson,
    TaskPath(name): TaskPath,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    set_paused(&app, &name, &uri, false).await
}

async fn set_paused(app: &App, name: &str, uri: &Uri, paused: bool) -> Result<Response<Body>, Problem> {
    query(uri, &[])?;
    let known = known(app, name).await?;
    let task = known.0.as_ref().map(|task| &task.card.name).or(known.1.as_ref().map(|status| &status.name));
    if let Some(task) = task {
        app.queue.set_paused(task, paused).await?;
    }
    answer(app, name).await
}

async fn answer(app: &App, name: &str) -> Result<Response<Body>, Problem> {
    json(StatusCode::OK, &shown(&known(app, name).await?))
}

fn shown(known: &Known) -> Option<TaskJson<'_>> {
    TaskJson::new(known.0.as_deref(), known.1.as_ref())
}

/// One task, or the 404 that names the nearest.
pub(crate) async fn known(app: &App, name: &str) -> Result<Known, Problem> {
    if let Some(known) = all(app).await?.remove(name) {
        return Ok(known);
    }
    let (task, _) = app.catalogue.find(name).await?;
    Ok((Some(task), None))
}

/// Every task, by its name.
pub(crate) async fn all(app: &App) -> Result<BTreeMap<String, Known>, QueueError> {
    let statuses = app.queue.tasks().await?;
    let catalogue = app.catalogue.current().await;
    let mut known: BTreeMap<String, Known> =
        catalogue.tasks().map(|task| (task.card.name.to_string(), (Some(Arc::clone(task)), None))).collect();
    for status in statuses {
        let known = known.entry(status.name.to_string()).or_default();
        known.1 = Some(status);
    }
    Ok(known)
}
