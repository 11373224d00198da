//! GET /workers: every worker, its slots as cells.

use super::{
    jobs::{escaped, short},
    layout::{Page, empty},
    search::word,
    visit::Visit,
    words,
};
use crate::{app::App, error::Problem, extract::query};
use axum::extract::State as Shared;
use dayfly_common::{
    model::{JobId, Scope},
    queue::{JobRecord, WorkerStatus},
};
use maud::{Markup, html};
use std::{collections::HashMap, sync::Arc};

const EVERY_MS: u32 = 2_000;
/// Jobs read for the cells, of all workers together.
const MOST: usize = 2_000;
/// Cells drawn a worker.
const MOST_CELLS: usize = 256;
/// A heartbeat that is older is late, ms.
const LATE_MS: i64 = 3_500;

/// GET /workers
pub(super) async fn page(Shared(app): Shared<Arc<App>>, visit: Visit) -> Result<Page, Problem> {
    query(&visit.uri, &[])?;
    let (workers, numbers) = (app.queue.workers().await?, app.queue.numbers().await?);
    let ids: Vec<JobId> = workers.iter().flat_map(|worker| &worker.jobs).copied().take(MOST).collect();
    let records = app.queue.job_records(&ids).await?.into_iter().flatten();
    // Others' jobs fill cells without a name.
    let records: HashMap<JobId, JobRecord> =
        records.filter(|record| visit.who.sees(&record.owner)).map(|record| (record.id, record)).collect();
    let body = html! {
        h1 { "Workers" }
        div #all.cards data-live {
            @if workers.is_empty() { (empty("No worker is there. Start one:", "dayfly worker --config dayfly.toml")) }
            @for worker in &workers { (card(&visit, worker, &records, numbers.now)) }
        }
    };
    Ok(visit.page("Workers", body).every(EVERY_MS))
}

fn card(visit: &Visit, worker: &WorkerStatus, records: &HashMap<JobId, JobRecord>, now: i64) -> Markup {
    let presence = &worker.presence;
    let id = &presence.id;
    let slots = usize::try_from(presence.slots).unwrap_or(0).max(worker.jobs.len());
    let fact = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    html! {
        article.card {
            h2 { (presence.name) " " small { code { (id) } } @if presence.draining { " " b.paused { "draining" } } }
            dl.facts {
                (fact("heartbeat", html! {
                    (words::ago(worker.seen_at, now)) @if now - worker.seen_at > LATE_MS { " " b.bad { "late" } }
                }))
                (fact("slots busy", html! {
                    meter max=(presence.slots.max(1)) value=(worker.jobs.len()) aria-label={ "busy slots of " (id) } {}
                    " " (worker.jobs.len()) " of " (presence.slots)
                }))
                @if let Some(most) = presence.memory {
                    @let used = presence.memory_used.unwrap_or(0);
                    (fact("memory declared", html! {
                        meter max=(most.max(1)) value=(used) aria-label={ "memory of " (id) } {}
                        " " (words::size(used)) " of " (words::size(most))
                    }))
                }
                (fact("isolation", html! { (presence.isolation) }))
                (fact("limits held by", html! {
                    "memory " (presence.limits.memory) ", nproc " (presence.limits.nproc)
                    ", cpus " (presence.limits.cpus)
                }))
                (fact("host", html! { (presence.host) " pid " (presence.pid) ", version " (presence.version) }))
                (fact("up", html! { (words::between(presence.started_at, now)) }))
            }
            ul.cells aria-label={ "Slots of " (id) } {
                @for job in worker.jobs.iter().take(MOST_CELLS) { (cell(*job, records.get(job), now)) }
                @for _ in worker.jobs.len()..slots.min(MOST_CELLS) { li.free { "free" } }
                @if slots > MOST_CELLS { li { (slots - MOST_CELLS) " more" } }
            }
            p {
                "Serves " @for (at, task) in presence.tasks.iter().enumerate() {
                    @if at > 0 { ", " } a href={ "tasks/" (task) } { (task) }
                }
            }
            p.actions {
                a href={ "jobs?q=" (escaped(&word("worker", id))) } { "Its jobs" } " "
                @if visit.may(Scope::Admin) && !presence.draining {
                    @let url = format!("v1/workers/{id}/drain");
                    button id={ "drain-" (id) } type="button" data-act="POST" data-url=(url) data-then="stay" {
                        "Drain" span.hidden { " " (id) }
                    }
                }
            }
        }
    }
}

fn cell(id: JobId, record: Option<&JobRecord>, now: i64) -> Markup {
    let Some(record) = record else { return html! { li.busy { "busy" } } };
    let id = id.to_string();
    html! {
        li.busy {
            a id={ "cell-" (id) } href={ "jobs/" (id) } title=(id) { (record.task) " " span { (short(&id)) } }
            @if let Some(fraction) = record.progress.as_ref().and_then(|progress| progress.fraction) {
                progress max="1" value=(fraction) aria-label={ "progress of " (short(&id)) } {}
            }
            span.left { @match record.deadline_at {
                Some(at) if at > now => { (words::between(now, at)) " left" },
                Some(_) => "ending",
                None => "starting",
            } }
        }
    }
}
