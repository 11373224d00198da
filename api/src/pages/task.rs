//! GET /tasks/{task}: one task, with a form to submit a job of it.

use super::{
    form::form,
    jobs::escaped,
    layout::Page,
    search::word,
    tasks::{gauges, hour_ago, pause_button, warnings},
    visit::Visit,
    words,
};
use crate::{
    app::App,
    error::Problem,
    extract::{TaskPath, query},
    routes::tasks::known,
};
use axum::extract::State as Shared;
use dayfly_common::model::Scope;
use maud::html;
use std::sync::Arc;

const EVERY_MS: u32 = 2_000;

/// GET /tasks/{task}
pub(super) async fn page(
    Shared(app): Shared<Arc<App>>,
    visit: Visit,
    TaskPath(name): TaskPath,
) -> Result<Page, Problem> {
    query(&visit.uri, &[])?;
    let known = known(&app, &name).await?;
    let numbers = app.queue.numbers().await?;
    let before = hour_ago(&app, &numbers).await?;
    let (task, status) = (known.0.as_deref(), known.1.as_ref());
    let body = html! {
        div #head data-live {
            h1 { "Task " (name) @if status.is_some_and(|status| status.paused) { " " b.paused { "paused" } } }
            @if let Some(about) = task.and_then(|task| task.card.description.as_deref()) { p { (about) } }
            (warnings(task, status))
            (gauges(&name, &known, &numbers, before.as_ref()))
            @if let Some(card) = task.map(|task| &task.card) {
                p {
                    "A job of it may take " (words::duration(card.timeout_ms)) ", at most "
                    (words::duration(card.max_timeout_ms)) " when asked for; "
                    (card.retries) @if card.retries == 1 { " retry" } @else { " retries" }
                    "; kept " (words::duration(card.retention_ms)) " after its end."
                }
            }
            p.actions {
                a href={ "../jobs?q=" (escaped(&word("task", &name))) } { "Its jobs" } " "
                @if visit.may(Scope::Admin) { (pause_button(&name, status.is_some_and(|status| status.paused))) }
            }
        }
        @if let Some(task) = task.filter(|_| visit.may(Scope::Submit)) {
            section { h2 { "Submit a job" } (form(&task.card)) }
        }
    };
    Ok(visit.page(format!("Task {name}"), body).every(EVERY_MS))
}
