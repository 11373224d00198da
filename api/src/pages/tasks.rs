//! GET /tasks: every task with its queue.

use super::{
    layout::{Page, empty},
    visit::Visit,
    words,
};
use crate::{
    app::App,
    catalogue::Task,
    error::Problem,
    extract::query,
    routes::tasks::{Known, all},
};
use axum::extract::State as Shared;
use dayfly_common::{
    model::{Scope, State},
    queue::{Minute, Numbers, TaskStatus},
};
use maud::{Markup, html};
use std::sync::Arc;

const EVERY_MS: u32 = 2_000;
const HOUR_MS: i64 = 3_600_000;

/// GET /tasks
pub(super) async fn page(Shared(app): Shared<Arc<App>>, visit: Visit) -> Result<Page, Problem> {
    query(&visit.uri, &[])?;
    let (known, numbers) = (all(&app).await?, app.queue.numbers().await?);
    let before = hour_ago(&app, &numbers).await?;
    let body = html! {
        h1 { "Tasks" }
        div #all.cards data-live {
            @if known.is_empty() {
                (empty("No task yet: a worker publishes those of its file.", "dayfly worker --config dayfly.toml"))
            }
            @for (name, known) in &known {
                article.card {
                    h2 {
                        a id={ "task-" (name) } href={ "tasks/" (name) } { (name) }
                        @if known.1.as_ref().is_some_and(|status| status.paused) { " " b.paused { "paused" } }
                    }
                    @if let Some(about) = known.0.as_ref().and_then(|task| task.card.description.as_deref()) {
                        p { (about) }
                    }
                    (warnings(known.0.as_deref(), known.1.as_ref()))
                    (gauges(name, known, &numbers, before.as_ref()))
                    p.actions {
                        @if visit.may(Scope::Submit) && known.0.is_some() {
                            a.button href={ "tasks/" (name) } { "Submit…" } " "
                        }
                        @if visit.may(Scope::Admin) {
                            (pause_button(name, known.1.as_ref().is_some_and(|status| status.paused)))
                        }
                    }
                }
            }
        }
    };
    Ok(visit.page("Tasks", body).every(EVERY_MS))
}

/// The numbers of an hour ago, or the earliest there are.
pub(super) async fn hour_ago(app: &App, numbers: &Numbers) -> Result<Option<Minute>, Problem> {
    Ok(app.queue.minutes(std::iter::once(numbers.now - HOUR_MS)).await?.pop())
}

/// A button that the script reacts to.
pub(super) fn pause_button(name: &str, paused: bool) -> Markup {
    let (verb, word) = if paused { ("resume", "Resume") } else { ("pause", "Pause") };
    html! {
        @let url = format!("v1/tasks/{name}/{verb}");
        button id={ "pause-" (name) } type="button" data-act="POST" data-url=(url) data-then="stay" {
            (word) span.hidden { " " (name) }
        }
    }
}

/// What is not as it should be.
pub(super) fn warnings(task: Option<&Task>, status: Option<&TaskStatus>) -> Markup {
    let (queued, live) = status.map_or((0, 0), |status| (status.queued + status.scheduled, status.live_workers));
    html! {
        @if live == 0 {
            p.note.bad[queued > 0] {
                "No worker serves this task" @if queued > 0 {
                    ": its " (words::count(queued, "job")) " wait until one comes"
                }
                "."
            }
        }
        @if status.is_some_and(|status| status.conflict) {
            p.note { "Workers publish two definitions of it: the one first seen last counts." }
        }
        @if let Some(fault) = task.and_then(|task| task.schema_fault.as_ref()) {
            p.note.bad { "Its input schema cannot be used, inputs are not checked: " (fault) }
        }
        @if task.is_none() { p.note { "No worker and no file defines it: only its jobs are left." } }
    }
}

/// The numbers of a task.
pub(super) fn gauges(name: &str, known: &Known, numbers: &Numbers, before: Option<&Minute>) -> Markup {
    let status = known.1.as_ref();
    let times = status.map(|status| &status.run_times);
    let percentile = |percent| times.and_then(|times| times.percentile(percent)).map(words::duration);
    let gauge = |name: &str, value: String| html! { div { dt { (name) } dd { (value) } } };
    let count = |of: fn(&TaskStatus) -> u64| words::number(status.map_or(0, of));
    html! {
        dl.facts {
            (gauge("waiting", count(|status| status.queued)))
            (gauge("later", count(|status| status.scheduled)))
            (gauge("running", count(|status| status.running)))
            @if let Some(at) = status.and_then(|status| status.oldest_at) {
                (gauge("oldest wait", words::between(at, numbers.now)))
            }
            (gauge("workers", count(|status| status.live_workers)))
            @if let Some(p50) = percentile(50) { (gauge("p50", p50)) }
            @if let Some(p95) = percentile(95) { (gauge("p95", p95)) }
            @let of = |state| numbers.of(name, state);
            (gauge("failed, in all", rate(of(State::Succeeded), of(State::Failed))))
            @if let Some((succeeded, failed)) = before.map(|before| ended_of(before, name)) {
                @let more = |state, before| of(state).saturating_sub(before);
                (gauge("failed, last hour", rate(more(State::Succeeded, succeeded), more(State::Failed, failed))))
            }
        }
    }
}

/// How many jobs of a task had succeeded and failed by then.
fn ended_of(minute: &Minute, name: &str) -> (u64, u64) {
    minute.tasks.iter().find(|(of, _)| of.as_str() == name).map_or((0, 0), |(_, ended)| *ended)
}

/// `3 of 120 (2.5 %)`
fn rate(succeeded: u64, failed: u64) -> String {
    let ended = succeeded + failed;
    if ended == 0 {
        return "none ended".to_owned();
    }
    let tenths = failed * 1_000 / ended;
    format!("{} of {} ({}.{} %)", words::number(failed), words::number(ended), tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_rates_read_well() {
        assert_eq!((rate(0, 0), rate(117, 3)), ("none ended".to_owned(), "3 of 120 (2.5 %)".to_owned()));
    }
}
