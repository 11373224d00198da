//! GET /jobs/{id}: all about one job, live.

use super::{
    banner, icons,
    jobs::{escaped, short},
    layout::Page,
    search::word,
    timeline::timeline,
    visit::Visit,
    words,
};
use crate::{
    app::App,
    auth::visible,
    catalogue::Task,
    error::Problem,
    extract::{JobPath, query},
    routes::events,
};
use axum::extract::State as Shared;
use bytes::Bytes;
use dayfly_common::{
    model::{JobId, Scope, State},
    queue::{EntryId, JobRecord, JobView, LogLine},
};
use maud::{Markup, html};
use std::sync::Arc;

/// Lines of the log that a page brings along; the stream brings the rest.
const LINES: usize = 500;
/// Most of an input or a result that is shown, bytes.
const LONGEST: usize = 64 << 10;

/// GET /jobs/{id}
pub(super) async fn page(Shared(app): Shared<Arc<App>>, visit: Visit, JobPath(id): JobPath) -> Result<Page, Problem> {
    query(&visit.uri, &[])?;
    let mut view = visible(&visit.who, id, app.queue.job(id).await?)?;
    view.estimated_start_at = app.pace.start_of(&app.queue, &view).await;
    let lines = app.queue.log_tail(id, LINES).await?;
    let now = crate::intake::now_ms();
    let catalogue = app.catalogue.current().await;
    let task = catalogue.task(view.record.task.as_str()).map(|task| &**task);
    let paused = view.record.state == State::Queued && app.queue.is_paused(&view.record.task).await?;
    let record = &view.record;
    let body = html! {
        div #head data-live {
            h1 { "Job " code { (short(&id.to_string())) } " " small { (icons::state(record.state)) } }
            p class={ "banner " (record.state) } { span { (banner::sentence(&view, paused, now)) } }
            (progress(record))
            (actions(&visit, record))
        }
        section #facts data-live { (facts(&view, task, now)) }
        section #attempts data-live { (timeline(record, &view.attempts, now)) }
        section { (log(id, record, &lines)) }
        section #data data-live { (data(&view)) }
        section { h2 { "As a line of curl" } (copyable("curl", &curl(&view, visit.who.is_known()))) }
    };
    let page = visit.page(format!("{} {} {}", record.task, record.state, short(&id.to_string())), body);
    // Its stream tells of all that happens to it; what merely grows older is looked at now and then.
    Ok(if record.state.is_terminal() { page } else { page.every(5_000) })
}

fn progress(record: &JobRecord) -> Markup {
    let Some(progress) = record.progress.as_ref().filter(|_| record.state == State::Running) else { return html! {} };
    html! {
        p.progress {
            @if let Some(fraction) = progress.fraction {
                progress max="1" value=(fraction) aria-label="Progress" {}
                @let percent = (fraction.clamp(0.0, 1.0) * 100.0).floor();
                " " b { (percent) " %" } " "
            }
            @if let Some(message) = &progress.message { (message) }
        }
    }
}

fn actions(visit: &Visit, record: &JobRecord) -> Markup {
    let url = format!("v1/jobs/{}", record.id);
    let act = |id: &str, name: &str, class: &str, method: &str, path: String, body: &str, then: &str| {
        html! {
            @let body = (!body.is_empty()).then_some(body);
            button id=(id) class=[(!class.is_empty()).then_some(class)] type="button" data-act=(method)
                data-url=(path) data-body=[body] data-then=(then) {
                (name)
            }
            " "
        }
    };
    let cancel = format!("{url}/cancel");
    html! {
        p.actions {
            @if !record.state.is_terminal() && visit.may(Scope::Cancel) {
                @let from = "{\"reason\":\"cancelled in the dashboard\"}";
                (act("cancel", "Cancel", "", "POST", cancel.clone(), from, "stay"))
                @if record.state == State::Running {
                    @let now = "{\"reason\":\"killed in the dashboard\",\"grace\":\"0s\"}";
                    (act("kill", "Kill now", "danger", "POST", cancel, now, "stay"))
                }
            }
            @if record.state == State::Scheduled && visit.may(Scope::Submit) {
                (act("run-now", "Run now", "", "PATCH", url.clone(), "{\"at\":\"now\"}", "stay"))
            }
            @if record.state.is_terminal() && visit.may(Scope::Submit) {
                (act("retry", "Retry", "first", "POST", format!("{url}/retry"), "", "job"))
            }
            @if record.state.is_terminal() && visit.may(Scope::Admin) {
                (act("delete", "Delete", "danger", "DELETE", url, "", "jobs"))
            }
        }
    }
}

fn facts(view: &JobView, task: Option<&Task>, now: i64) -> Markup {
    let record = &view.record;
    let timeout = record.timeout_ms.or(task.map(|task| task.card.timeout_ms));
    let fact = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    html! {
        h2 { "Facts" }
        dl.facts {
            (fact("id", html! { code #id { (record.id) } " " (copy_button("id", "the id")) }))
            (fact("task", html! {
                a href={ "../tasks/" (record.task) } { (record.task) } " "
                small { a href=(search_for(&word("task", record.task.as_str()))) { "its jobs" } }
            }))
            (fact("submitted", html! {
                (words::time(record.created_at)) " (" (words::ago(record.created_at, now)) ")"
            }))
            @if let Some(at) = record.started_at {
                (fact("started", html! { (words::time(at)) ", after " (words::between(record.ready_at, at)) }))
            }
            @if let Some(at) = record.finished_at { (fact("ended", words::time(at))) }
            @if let Some(at) = record.deadline_at { (fact("deadline", words::time(at))) }
            @if let Some(ms) = timeout { (fact("timeout", html! { (words::duration(ms)) })) }
            @if let Some(at) = record.expires_at.filter(|_| !record.state.is_terminal()) {
                (fact("must start by", words::time(at)))
            }
            @if record.priority != 5 { (fact("priority", html! { (record.priority) })) }
            @if let Some(worker) = &record.worker {
                (fact("worker", html! { code { (worker) } @if let Some(pid) = record.pid { " pid " (pid) } }))
            }
            @if !record.owner.is_empty() { (fact("owner", html! { (record.owner) })) }
            @for (name, value) in &record.labels { (fact(&format!("label {name}"), html! { (value) })) }
            @if let Some(unique) = &record.unique { (fact("unique", html! { code { (unique) } })) }
            @if let Some(of) = record.retry_of {
                (fact("retry of", html! { a href=(of) { code { (short(&of.to_string())) } } }))
            }
            @if let Some(error) = &record.error {
                @let kind = kind(error.kind);
                (fact("error", html! { a href=(search_for(&word("kind", &kind))) { code { (kind) } } }))
            }
            @if let Some(by) = record.killed_by { (fact("ended by", html! { (banner::killed_by(by)) })) }
            @if let Some(ms) = record.kill_ms { (fact("last process gone after", html! { (words::duration(ms)) })) }
            @if let Some(usage) = record.usage {
                (fact("ran for", html! { (words::duration(usage.wall_ms)) }))
                (fact("CPU time", html! { (words::duration(usage.cpu_ms)) }))
                (fact("peak memory", html! { (words::size(usage.max_rss_bytes)) }))
            }
        }
    }
}

/// The address of a search, from here.
fn search_for(text: &str) -> String {
    format!("../jobs?q={}", escaped(text))
}

fn is_text(kind: &str) -> bool {
    kind.starts_with("application/json") || kind.starts_with("text/")
}

/// The word of a kind of error.
pub(super) fn kind(of: dayfly_common::model::ErrorKind) -> String {
    serde_json::to_value(of).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn log(id: JobId, record: &JobRecord, lines: &[LogLine]) -> Markup {
    let after = lines.last().map_or(EntryId::ZERO, |line| line.id);
    let stream = format!("v1/jobs/{id}/events?last_event_id={}", events::place(record.created_at, after));
    let live = !record.state.is_terminal();
    html! {
        h2 #log-title { "Log " small { @if live { "live" } } }
        div #log.log role="log" aria-labelledby="log-title" tabindex="0" data-events=[live.then_some(stream)] {
            @if lines.len() == LINES {
                div.line.system { "earlier lines: " a href={ "../v1/jobs/" (id) "/logs" } { "the whole log" } }
            }
            @for line in lines { div class={ "line " (line.stream) } { (line.line) } }
        }
    }
}

fn data(view: &JobView) -> Markup {
    let record = &view.record;
    let kind = record.result_type.as_deref().unwrap_or_default();
    html! {
        h2 { "Input" }
        @match &view.input {
            Some(input) => (copyable("input", &text(input))),
            None => p { "It is no longer kept." },
        }
        @if record.state == State::Succeeded {
            h2 { "Result " small { (kind) @if record.truncated { ", cut off" } } }
            @match &view.result {
                None => p { "It is no longer kept." },
                Some(result) if is_text(kind) => (copyable("result", &text(result))),
                Some(result) => p { (words::size(u64::try_from(result.len()).unwrap_or(0))) ", not shown." },
            }
            p { a href={ "../v1/jobs/" (record.id) "/result" } { "The result as it was printed" } }
        }
    }
}

fn text(bytes: &Bytes) -> String {
    let shown = &bytes[..bytes.len().min(LONGEST)];
    let mut text = String::from_utf8_lossy(shown).into_owned();
    if shown.len() < bytes.len() {
        text.push_str("\n… (cut off here)");
    }
    text
}

fn copy_button(of: &str, what: &str) -> Markup {
    html! { button.copy id={ "copy-" (of) } type="button" data-copy=(of) aria-label={ "Copy " (what) } { "Copy" } }
}

/// A text with a button that copies it.
pub(super) fn copyable(id: &str, text: &str) -> Markup {
    html! {
        div.copyable {
            pre id=(id) tabindex="0" { code { (text) } }
            (copy_button(id, &format!("the {id}")))
        }
    }
}

/// A line that submits the same once more. The script puts this server's address for the name.
fn curl(view: &JobView, token: bool) -> String {
    let record = &view.record;
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let input = view.input.as_ref().map_or_else(|| "{}".to_owned(), text);
    let mut options = form_urlencoded::Serializer::new(String::new());
    if record.priority != 5 {
        options.append_pair("priority", &record.priority.to_string());
    }
    if let Some(ms) = record.timeout_ms {
        options.append_pair("timeout", &format!("{ms}ms"));
    }
    if let Some(retries) = record.retries {
        options.append_pair("retries", &retries.to_string());
    }
    for (name, value) in &record.labels {
        options.append_pair("label", &format!("{name}:{value}"));
    }
    let options = options.finish();
    let query = if options.is_empty() { String::new() } else { format!("?{options}") };
    let bearer = if token { " -H \"Authorization: Bearer $DAYFLY_TOKEN\"" } else { "" };
    format!(
        "curl \"$DAYFLY_URL/v1/tasks/{}{query}\"{bearer} -H 'Content-Type: application/json' -d {}",
        record.task,
        quoted(&input)
    )
}
