//! POST /v1/jobs/actions: cancel, retry or delete what matches a filter, at most 1,000 jobs a call; the client goes on with `next`.
//!
//! A filter that is empty would mean every job there is, and nearly always comes of a mistake: it is refused, unless it says
//! `{"all": true}`.

use super::reply::json;
use crate::{
    app::App,
    auth::Principal,
    error::Code,
    error::Problem,
    extract::{Asked, Verb, WantsJson, idempotency_key, query, read_action, read_body, read_input},
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{Response, StatusCode},
};
use dayfly_common::{
    model::JobId,
    queue::{Cancelled, Deleted, JobRecord, ListFilter, Queue, QueueError, Retried, Retry, Submitted},
};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// Records that a page of a list may look at, so that a filter which hardly anything matches ends too.
const MOST_PAGES: usize = 20;
/// The same for `expected_count`, which is about all that match.
const MOST_PAGES_COUNTED: usize = 200;
const PAGE: usize = 500;
/// Most further looks for jobs that escaped a cancel.
const LOOKS_AGAIN: usize = 3;

#[derive(Serialize)]
struct Report {
    action: &'static str,
    dry_run: bool,
    /// Jobs that were found, at most `limit` (and those that a cancel would have missed).
    matched: usize,
    /// Jobs that it was done to.
    done: usize,
    /// Found, and no longer as they were found: by the code that the job's own route would have answered with.
    skipped: BTreeMap<&'static str, usize>,
    /// The new jobs of a retry.
    retries: Vec<New>,
    /// For `cursor` of the next call; null when nothing is left.
    next: Option<String>,
}

#[derive(Serialize)]
struct New {
    id: String,
    retry_of: String,
}

/// POST /v1/jobs/actions
pub(crate) async fn act(
    State(app): State<Arc<App>>,
    _: WantsJson,
    who: Principal,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    query(&head.uri, &[])?;
    let key = idempotency_key(&head.headers)?;
    let body = read_body(&head.headers, body, app.max_body).await?;
    let mut asked = read_action(&read_input(&head.headers, body, None).await?)?;
    asked.filter.owner = who.only();
    if !asked.dry_run {
        app.check_data()?;
    }
    if let Some(expected) = asked.expected_count {
        must_be(&app, &asked.filter, expected).await?;
    }
    let (found, next) = find(&app, &asked).await?;
    let mut report = Report {
        action: asked.verb.word(),
        dry_run: asked.dry_run,
        matched: found.len(),
        done: 0,
        skipped: BTreeMap::new(),
        retries: Vec::new(),
        next,
    };
    if !asked.dry_run {
        report.perform(&app, &asked, &found, key.as_deref(), &who).await?;
        report.look_again(&app, &asked, &who).await?;
    }
    json(StatusCode::OK, &report)
}

/// Refuses unless exactly so many jobs match.
async fn must_be(app: &App, filter: &ListFilter, expected: usize) -> Result<(), Problem> {
    let mut filter = ListFilter { limit: PAGE, ..filter.clone() };
    let mut count = 0;
    for _ in 0..MOST_PAGES_COUNTED {
        let page = app.queue.list(&filter).await?;
        count += page.items.len();
        filter.cursor = page.next;
        if filter.cursor.is_none() || count > expected {
            break;
        }
    }
    if filter.cursor.is_some() && count <= expected {
        let detail = "There are too many jobs to count those that match: narrow the filter by `task` or `state`, or leave \
                      `expected_count` out.";
        return Err(Problem::new(Code::OptionOutOfRange, detail));
    }
    if count == expected {
        return Ok(());
    }
    let found = if filter.cursor.is_some() { format!("more than {expected}") } else { count.to_string() };
    let detail = format!(
        "{found} jobs match, and {expected} were expected: nothing was done. Look again with `dry_run`, then send the new \
         count or leave `expected_count` out."
    );
    Err(Problem::new(Code::CountMismatch, detail))
}

/// Sends them; once more when no answer came, which the same new ids make safe.
async fn retry_all(queue: &Queue, retries: &[Retry], repeatable: bool) -> Result<Vec<Retried>, Problem> {
    let unsure = |error: &QueueError| matches!(error, QueueError::Slow(_) | QueueError::NotReplicated { .. });
    match queue.retry_many(retries).await {
        Err(error) if unsure(&error) || matches!(error, QueueError::Unreachable(_)) => {}
        Err(error) => return Err(error.into()),
        Ok(answers) => return Ok(answers),
    }
    queue.retry_many(retries).await.map_err(|error| {
        if !unsure(&error) {
            return error.into();
        }
        let how = if repeatable {
            "Send the same request with the same Idempotency-Key again: it makes no job twice."
        } else {
            "Look for jobs with a `retry_of` before you send it again; with an Idempotency-Key that would make no job twice."
        };
        let detail = format!("Redis did not confirm it, so some or all of the new jobs may be stored. {how}");
        Problem::new(Code::OutcomeUnknown, detail).retry_after(1).caused_by(&error)
    })
}

/// Up to `limit` jobs that match, and where to go on.
async fn find(app: &App, asked: &Asked) -> Result<(Vec<JobRecord>, Option<String>), Problem> {
    let mut filter = asked.filter.clone();
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        filter.limit = PAGE.min(asked.limit - found.len());
        let page = app.queue.list(&filter).await?;
        found.extend(page.items);
        filter.cursor = page.next;
        if filter.cursor.is_none() || found.len() >= asked.limit {
            break;
        }
    }
    Ok((found, filter.cursor))
}

impl Report {
    /// Jobs move against the order of a list while it is gone through: one that was queued may run by the time that running ones
    /// are behind. So the end of a cancel looks for what escaped it.
    async fn look_again(&mut self, app: &App, asked: &Asked, who: &Principal) -> Result<(), Problem> {
        // Nor is it done to more than were expected.
        if !matches!(asked.verb, Verb::Cancel { .. }) || asked.expected_count.is_some() {
            return Ok(());
        }
        for _ in 0..LOOKS_AGAIN {
            if self.next.is_some() {
                return Ok(());
            }
            let filter = ListFilter { cursor: None, ..asked.filter.clone() };
            let (mut escaped, next) = find(app, &Asked { filter, limit: 2 * PAGE, ..asked.clone() }).await?;
            // Those that were asked to end may take their grace.
            escaped.retain(|record| !record.state.is_terminal() && record.cancel_requested_at.is_none());
            escaped.truncate(asked.limit);
            if escaped.is_empty() {
                return Ok(());
            }
            self.matched += escaped.len();
            self.next = next;
            self.perform(app, asked, &escaped, None, who).await?;
        }
        Ok(())
    }

    async fn perform(
        &mut self,
        app: &App,
        asked: &Asked,
        found: &[JobRecord],
        key: Option<&str>,
        who: &Principal,
    ) -> Result<(), Problem> {
        let ids: Vec<JobId> = found.iter().map(|record| record.id).collect();
        match &asked.verb {
            Verb::Cancel { reason, grace_ms } => {
                for cancelled in app.queue.cancel_many(&ids, reason.as_deref(), *grace_ms).await? {
                    match cancelled {
                        Cancelled::Now | Cancelled::Asked => self.done += 1,
                        Cancelled::Ended(_) => self.skip(Code::WrongState),
                        Cancelled::Unknown => self.skip(Code::UnknownJob),
                    }
                }
            }
            Verb::Delete => {
                for deleted in app.queue.delete_many(&ids).await? {
                    match deleted {
                        Deleted::Done => self.done += 1,
                        Deleted::Live(_) => self.skip(Code::WrongState),
                        Deleted::Unknown => self.skip(Code::UnknownJob),
                    }
                }
            }
            Verb::Retry => {
                let catalogue = app.catalogue.current().await;
                // With a key the same call again makes the same ids, and so no second job.
                let id_of = |of: JobId| {
                    key.map_or_else(JobId::now, |key| JobId::from_idempotency_key(who.owner(), &format!("{key}\0{of}")))
                };
                // Nor a retry of what it made itself, which matches the same filter once it has ended.
                let own = |record: &JobRecord| record.retry_of.is_some_and(|of| id_of(of) == record.id);
                let (mut retries, mut tasks) = (Vec::with_capacity(found.len()), Vec::with_capacity(found.len()));
                for record in found.iter().filter(|record| key.is_none() || !own(record)) {
                    let Some(task) = catalogue.task(record.task.as_str()) else {
                        self.skip(Code::UnknownTask);
                        continue;
                    };
                    retries.push(Retry {
                        of: record.id,
                        id: id_of(record.id),
                        max_queued: task.card.max_queued,
                        repeatable: key.is_some(),
                        trace: None,
                    });
                    tasks.push(&record.task);
                }
                let answers = retry_all(&app.queue, &retries, key.is_some()).await?;
                for ((retry, task), retried) in retries.iter().zip(tasks).zip(answers) {
                    if matches!(retried, Retried::Submitted(Submitted::Created(_))) {
                        app.metrics.submitted(task);
                    }
                    self.retried(retry, &retried);
                }
            }
        }
        Ok(())
    }

    fn retried(&mut self, retry: &Retry, retried: &Retried) {
        match retried {
            Retried::Submitted(Submitted::Created(_) | Submitted::Exists) => {
                self.done += 1;
                self.retries.push(New { id: retry.id.to_string(), retry_of: retry.of.to_string() });
            }
            Retried::Submitted(Submitted::Full(_) | Submitted::OwnerFull { .. }) => self.skip(Code::QueueFull),
            Retried::Submitted(Submitted::RateLimited { .. }) => self.skip(Code::RateLimited),
            Retried::Submitted(Submitted::NotUnique(_)) => self.skip(Code::NotUnique),
            Retried::Submitted(Submitted::Conflict) => self.skip(Code::IdempotencyConflict),
            Retried::Submitted(Submitted::Deleted) => self.skip(Code::JobDeleted),
            Retried::Wrong(_) => self.skip(Code::WrongState),
            Retried::Trimmed => self.skip(Code::ResultExpired),
            Retried::Unknown => self.skip(Code::UnknownJob),
        }
    }

    fn skip(&mut self, why: Code) {
        *self.skipped.entry(why.as_str()).or_default() += 1;
    }
}
