//! GET /: one glance: what runs, what is stuck, what failed lately.

use super::{
    chart::{chart, steps},
    icons,
    jobs::{escaped, listed},
    layout::{Page, empty},
    tasks::pause_button,
    visit::Visit,
    words,
};
use crate::{app::App, error::Problem, extract::query};
use axum::extract::State as Shared;
use dayfly_common::{
    model::{Scope, State},
    queue::{JobRecord, ListFilter, Numbers, TaskStatus, WorkerStatus},
};
use maud::{Markup, html};
use std::sync::Arc;

const EVERY_MS: u32 = 2_000;
/// Failures listed.
const FAILURES: usize = 8;
const MINUTE_MS: i64 = 60_000;

/// GET /
pub(super) async fn page(Shared(app): Shared<Arc<App>>, visit: Visit) -> Result<Page, Problem> {
    let query = query(&visit.uri, &["span"])?;
    let day = query.get("span") == Some("day");
    let failed =
        ListFilter { state: Some(State::Failed), owner: visit.who.only(), limit: FAILURES, ..ListFilter::default() };
    let (numbers, tasks, workers, failures) = (
        app.queue.numbers().await?,
        app.queue.tasks().await?,
        app.queue.workers().await?,
        app.queue.list(&failed).await?,
    );
    let (count, step) = if day { (96, 15 * MINUTE_MS) } else { (60, MINUTE_MS) };
    let mut minutes = app.queue.minutes((0..=count).map(|back| numbers.now - (count - back) * step)).await?;
    minutes.push(numbers.as_minute());
    let drawn = chart(
        &steps(&minutes),
        usize::try_from(count + 1).unwrap_or(1),
        if day { "The last day, by quarters of an hour" } else { "The last hour, by minutes" },
    );
    let body = html! {
        h1 { "Overview" }
        div #notes data-live { (notes(&tasks, &workers, &numbers)) }
        div #totals.tiles data-live { (tiles(&numbers, &tasks, &workers)) }
        section {
            h2 { "Throughput" }
            p.spans {
                a href="./" aria-current=[(!day).then_some("true")] { "last hour" } " "
                a href="./?span=day" aria-current=[day.then_some("true")] { "last day" }
            }
            div #throughput data-live { (drawn) }
        }
        section #tasks data-live { h2 { "Tasks" } (table(&visit, &tasks, &numbers)) }
        section #failures data-live { h2 { "Latest failures" } (latest(&failures.items, numbers.now)) }
    };
    Ok(visit.page("Overview", body).every(EVERY_MS))
}

/// What somebody should look at, and what to do about it.
fn notes(tasks: &[TaskStatus], workers: &[WorkerStatus], numbers: &Numbers) -> Markup {
    let waits = |task: &TaskStatus| task.queued + task.scheduled;
    html! {
        @if workers.is_empty() {
            div.note.bad role="note" {
                p { b { "No worker is there: " } "nothing is run until one comes." }
                pre { code { "dayfly worker --config dayfly.toml" } }
            }
        }
        @for task in tasks.iter().filter(|task| task.live_workers == 0 && waits(task) > 0 && !workers.is_empty()) {
            div.note.bad role="note" { p {
                b { "No worker serves " a href={ "tasks/" (task.name) } { (task.name) } ": " }
                (words::count(waits(task), "job")) " wait" @if waits(task) == 1 { "s" }
                ". Start a worker whose file defines it."
            } }
        }
        @for task in tasks.iter().filter(|task| task.paused) {
            div.note role="note" { p {
                b { "Paused: " a href={ "tasks/" (task.name) } { (task.name) } }
                @if let Some(at) = task.oldest_at {
                    ", the oldest of " (words::count(task.queued, "job")) " waits " (words::between(at, numbers.now))
                }
                "."
            } }
        }
        @for task in tasks.iter().filter(|task| task.conflict) {
            div.note role="note" {
                p { b { (task.name) } ": workers publish two definitions of it; the one first seen last counts." }
            }
        }
    }
}

/// Jobs in this state now; of ended ones those that are still kept.
fn shown(numbers: &Numbers, state: State) -> u64 {
    if state.is_terminal() { numbers.kept.get(&state).copied().unwrap_or(0) } else { numbers.sum(state) }
}

fn tiles(numbers: &Numbers, tasks: &[TaskStatus], workers: &[WorkerStatus]) -> Markup {
    let oldest = tasks.iter().filter_map(|task| task.oldest_at).min();
    let (slots, busy) = workers.iter().fold((0_u64, 0_u64), |(slots, busy), worker| {
        (slots + u64::from(worker.presence.slots), busy + u64::from(worker.presence.busy))
    });
    html! {
        @for state in State::ALL {
            @let count = shown(numbers, state);
            a class={ "tile " (state) } href={ "jobs?q=" (escaped(&format!("state:{state}"))) } {
                span { (icons::mark(state)) (state) } b { (words::number(count)) }
            }
        }
        div.tile {
            span { "oldest wait" } b { @match oldest { Some(at) => (words::between(at, numbers.now)), None => "none" } }
        }
        a.tile href="workers" {
            span { (words::count(u64::try_from(workers.len()).unwrap_or(0), "worker")) }
            b { (busy) " of " (slots) } span { "slots busy" }
        }
    }
}

fn table(visit: &Visit, tasks: &[TaskStatus], numbers: &Numbers) -> Markup {
    if tasks.is_empty() {
        return empty("No task yet: a worker publishes those of its file.", "dayfly worker --config dayfly.toml");
    }
    let most = tasks.iter().map(|task| task.queued).max().unwrap_or(0).max(1);
    html! {
        div.scroll role="region" aria-label="The tasks" tabindex="0" {
            table {
                thead {
                    tr {
                        th scope="col" { "task" } th scope="col" { "waiting" } th scope="col" { "running" }
                        th.wide scope="col" { "oldest wait" } th.wide scope="col" { "workers" }
                        th.wide scope="col" { "half within" }
                        @if visit.may(Scope::Admin) { th scope="col" { "give out jobs" } }
                    }
                }
                tbody { @for task in tasks {
                    tr {
                        td {
                            a href={ "tasks/" (task.name) } { (task.name) }
                            @if task.paused { " " b.paused { "paused" } }
                        }
                        td.gauge {
                            meter max=(most) value=(task.queued) aria-label={ "waiting of " (task.name) } {}
                            " " (words::number(task.queued)) @if task.scheduled > 0 {
                                small { " + " (words::number(task.scheduled)) " later" }
                            }
                        }
                        td { (words::number(task.running)) }
                        td.wide { @if let Some(at) = task.oldest_at { (words::between(at, numbers.now)) } }
                        td.wide { @if task.live_workers == 0 { b.bad { "none" } } @else { (task.live_workers) } }
                        td.wide { @if let Some(ms) = task.run_times.percentile(50) { (words::duration(ms)) } }
                        @if visit.may(Scope::Admin) { td { (pause_button(task.name.as_str(), task.paused)) } }
                    }
                } }
            }
        }
    }
}

fn latest(failures: &[JobRecord], now: i64) -> Markup {
    if failures.is_empty() {
        return empty("None.", "");
    }
    html! {
        (listed("The latest failures", failures, now))
        p { a href="jobs?q=state%3Afailed" { "All that failed" } }
    }
}
