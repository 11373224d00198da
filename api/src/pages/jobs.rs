//! GET /jobs: how many there are by state, one search box, the jobs that match, and what to do with all of them.

use super::{
    icons,
    layout::{Page, empty},
    refusal::redirect,
    search::{Search, Wanted, word},
    visit::Visit,
    words,
};
use crate::{
    app::App,
    error::{Code, Problem},
    extract::query,
};
use axum::{
    body::Body,
    extract::State as Shared,
    http::{Response, StatusCode},
    response::IntoResponse as _,
};
use dayfly_common::{
    model::{Scope, State},
    queue::{JobRecord, ListFilter, ListPage, Numbers},
};
use maud::{Markup, html};
use std::sync::Arc;

/// Jobs a page.
const LIMIT: usize = 50;
/// How often the list is looked at anew, ms.
const EVERY_MS: u32 = 2_000;

/// GET /jobs
pub(super) async fn page(Shared(app): Shared<Arc<App>>, visit: Visit) -> Result<Response<Body>, Problem> {
    let query = query(&visit.uri, &["q", "cursor"])?;
    let (text, cursor) = (query.get("q").unwrap_or_default(), query.get("cursor"));
    let read = Search::read(text).and_then(|wanted| match wanted {
        Wanted::Job(id) => Ok(Err(id)),
        Wanted::Jobs(search) => Ok(Ok((search.filter()?, search))),
    });
    let (filter, search) = match read {
        Ok(Ok(read)) => read,
        Ok(Err(id)) => return Ok(redirect(&format!("jobs/{id}"))),
        Err(fault) => {
            let numbers = app.queue.numbers().await?;
            let body = html! {
                (head(text, Some(&fault), &Search::default(), &numbers))
            };
            return Ok(visit.page("Jobs", body).with_status(StatusCode::BAD_REQUEST).into_response());
        }
    };
    let filter = ListFilter { owner: visit.who.only(), cursor: cursor.map(str::to_owned), limit: LIMIT, ..filter };
    let (numbers, page) = (app.queue.numbers().await?, app.queue.list(&filter).await);
    let page = page.map_err(Problem::from).map_err(|problem| match problem.code() {
        Code::BadCursor => {
            Problem::new(Code::BadCursor, "This page of the list is of another filter: begin at its first page.")
        }
        _ => problem,
    })?;
    let body = html! {
        (head(text, None, &search, &numbers))
        (bulk(&visit, &search, &filter))
        div #list data-live {
            (table(&page, numbers.now, text))
        }
        (next(&page, text, cursor.is_some()))
    };
    Ok(titled(&visit, text, body).into_response())
}

fn titled(visit: &Visit, text: &str, body: Markup) -> Page {
    let title = if text.is_empty() { "Jobs".to_owned() } else { format!("Jobs: {}", words::cut(text, 60)) };
    visit.page(title, body).every(EVERY_MS)
}

fn head(text: &str, fault: Option<&Problem>, search: &Search, numbers: &Numbers) -> Markup {
    let of_task = search.get("task");
    let count = |state: State| match of_task {
        Some(task) => (!state.is_terminal()).then(|| numbers.of(task, state)),
        None if state.is_terminal() => numbers.kept.get(&state).copied(),
        None => Some(numbers.sum(state)),
    };
    let chosen = search.get("state");
    html! {
        h1 { "Jobs" }
        form.search role="search" action="jobs" {
            label for="q" { "Filter, or the id of a job" }
            div.line {
                input #q name="q" type="search" value=(text) autocomplete="off" spellcheck="false"
                    placeholder="state:failed task:factor kind:timeout"
                    aria-invalid=[fault.map(|_| "true")] aria-describedby=[fault.map(|_| "fault")];
                button { "Search" }
            }
            @if let Some(fault) = fault { p #fault.problem role="alert" { (fault.detail()) } }
        }
        nav.tabs #states aria-label="States" data-live {
            ul {
                li {
                    @let current = chosen.is_none().then_some("true");
                    a href={ "jobs?q=" (escaped(&search.in_state(None))) } aria-current=[current] {
                        "all"
                    }
                }
                @for state in State::ALL {
                    @let here = chosen == Some(state.as_str());
                    li {
                        @let wanted = escaped(&search.in_state(Some(state)));
                        a class=(state) href={ "jobs?q=" (wanted) } aria-current=[here.then_some("true")] {
                            (icons::mark(state)) (state) " "
                            @if let Some(count) = count(state) { b { (words::number(count)) } }
                        }
                    }
                }
            }
        }
    }
}

/// What may be done with all that match. The script counts them first, and asks.
fn bulk(visit: &Visit, search: &Search, filter: &ListFilter) -> Markup {
    let ended = filter.state.map(State::is_terminal).or(filter.error_kind.map(|_| true));
    let offers = [
        ("cancel", "Cancel", ended != Some(true)),
        ("retry", "Retry", ended != Some(false)),
        ("delete", "Delete", ended != Some(false)),
    ];
    html! {
        @if visit.may(Scope::Admin) {
            div.bulk role="group" aria-label="All jobs that match" data-filter=(search.action_filter()) {
                span { "All that match: " }
                @for (verb, name, _) in offers.iter().filter(|(_, _, fits)| *fits) {
                    button id={ "bulk-" (verb) } type="button" data-bulk=(verb) { (name) "…" } " "
                }
            }
            dialog #bulk aria-labelledby="bulk-title" {
                h2 #bulk-title {}
                p #bulk-text aria-live="polite" {}
                p {
                    button #bulk-yes.danger type="button" { "Yes" } " " button #bulk-no type="button" autofocus { "No" }
                }
            }
        }
    }
}

fn table(page: &ListPage, now: i64, text: &str) -> Markup {
    if page.items.is_empty() {
        return if page.next.is_some() {
            html! { p.empty { "None of the jobs looked at so far matches: look further." } }
        } else if text.is_empty() {
            empty("No job yet. Submit one:", "curl http://127.0.0.1:8080/v1/tasks/factor -d n=42")
        } else {
            empty("No job matches.", "")
        };
    }
    listed("The jobs", &page.items, now)
}

/// Jobs in a table; `label` says what they are.
pub(super) fn listed(label: &str, records: &[JobRecord], now: i64) -> Markup {
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" {
            table {
                thead {
                    tr {
                        th scope="col" { "job" } th scope="col" { "state" } th scope="col" { "task" }
                        th.wide scope="col" { "submitted" } th scope="col" { "ran" }
                        th.wide scope="col" { "why" }
                    }
                }
                tbody { @for record in records { (row(record, now)) } }
            }
        }
    }
}

/// A job in a table.
fn row(record: &JobRecord, now: i64) -> Markup {
    let id = record.id.to_string();
    let progress = record.progress.as_ref().filter(|_| record.state == State::Running);
    let fraction = progress.and_then(|progress| progress.fraction);
    let ran = match (record.started_at, record.finished_at) {
        (Some(from), Some(to)) => words::between(from, to),
        (Some(from), None) => words::between(from, now),
        (None, _) => String::new(),
    };
    html! {
        tr {
            td { a.id id={ "job-" (id) } href={ "jobs/" (id) } title=(id) { (short(&id)) } }
            td { (icons::state(record.state)) @if let Some(fraction) = fraction {
                " " progress max="1" value=(fraction) aria-label="progress" {}
            } }
            td { a href={ "jobs?q=" (escaped(&word("task", record.task.as_str()))) } { (record.task) } }
            td.wide { (words::ago(record.created_at, now)) }
            td { (ran) }
            td.wide { (why(record)) }
        }
    }
}

fn why(record: &JobRecord) -> String {
    let reason = match (record.state, &record.error) {
        (State::Cancelled, _) => record.cancel_reason.clone(),
        (State::Running | State::Queued | State::Scheduled | State::Failed, Some(error)) => Some(error.message.clone()),
        (_, _) => record
            .progress
            .as_ref()
            .and_then(|progress| progress.message.clone())
            .filter(|_| record.state == State::Running),
    };
    words::cut(&reason.unwrap_or_default(), 80)
}

/// The end of an id: ids of jobs that came together begin alike.
pub(super) fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(12)..).unwrap_or(id)
}

fn next(page: &ListPage, text: &str, further: bool) -> Markup {
    html! {
        nav.pages aria-label="Pages of the list" {
            @if further { a href={ "jobs?q=" (escaped(text)) } { "First page" } }
            @if let Some(next) = &page.next {
                " " a rel="next" href={ "jobs?q=" (escaped(text)) "&cursor=" (escaped(next)) } {
                    @if page.items.len() < LIMIT { "Look further" } @else { "Next page" }
                }
            }
        }
    }
}

/// A value within a query.
pub(super) fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
