//! GET /v1/jobs/{id}/events: one job as server-sent events.
//!
//! | event | data | when |
//! |---|---|---|
//! | `state` | the job as lists show it | first of all; whenever it changed |
//! | `progress` | `{fraction, message}` | it changed and nothing else did |
//! | `log` | `{stream, line, at}` | for each line, the old ones first |
//! | `reset` | `{reason}` | forget the lines so far: a `state` and the whole log follow |
//! | `end` | `{id, state}` | it has ended and everything is said (`state: null`: there is no such job any more) |
//!
//! The id of an event is a place in the job's log, so that a client which comes again with it gets each line once. After
//! `end` the answer to that is 204, which keeps browsers from coming again for ever.

use crate::{
    app::App,
    auth::{Principal, visible},
    error::Problem,
    events::Concern,
    extract::{JobPath, WantsEvents, query},
    streams::{COMMENT_EVERY, Frames, Place, events_response, last_event_id},
    view::list_item,
    watch::{Seen, Step, Watch},
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, StatusCode, Uri},
};
use dayfly_common::{
    model::{JobId, State as JobState, format_rfc3339_ms},
    queue::{EntryId, JobRecord, LogLine},
};
use futures_util::stream;
use serde::Serialize;
use serde_json::json;
use std::{fmt, str::FromStr, sync::Arc};
use tokio::time::Instant;

const UNREADABLE: &str = "the last event id is not one that this stream gave";
const OTHER_JOB: &str = "it is another job under the same id";
const LOST: &str = "lines of the log after this place are no longer kept";

/// GET /v1/jobs/{id}/events
pub(crate) async fn follow(
    State(app): State<Arc<App>>,
    _: WantsEvents,
    who: Principal,
    JobPath(id): JobPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let query = query(&uri, &["last_event_id"])?;
    let resumed = last_event_id(&headers, query.get("last_event_id"));
    // Registered before anything is read, so that nothing slips between.
    let interest = app.events.register(id, Concern::All);
    let record = visible(&who, id, app.queue.job(id).await?)?.record;
    let (after, reset) = match resumed.map(|at| at.parse::<At>()) {
        None => (None, None),
        Some(Err(())) => (None, Some(UNREADABLE)),
        Some(Ok(at)) if at.created_at != record.created_at => (None, Some(OTHER_JOB)),
        Some(Ok(at)) if at.end => {
            let mut nothing_more = Response::new(Body::empty());
            *nothing_more.status_mut() = StatusCode::NO_CONTENT;
            return Ok(nothing_more);
        }
        Some(Ok(at)) => (Some(at.line).filter(|line| *line != EntryId::ZERO), None),
    };
    let place = app.streams.place(&app.closing)?;
    let mut first = Frames::default();
    first.retry(place.retry_ms());
    let watch = Watch::new(app, interest, &record, after, true);
    let comment_at = Instant::now() + COMMENT_EVERY;
    let stream =
        JobStream { id, watch, _place: place, first, reset, shown: None, away: false, over: false, comment_at };
    Ok(events_response(stream::unfold(stream, |mut stream| async move {
        let frames = stream.next().await?;
        Some((Bytes::from(frames), stream))
    })))
}

/// The id of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct At {
    created_at: i64,
    line: EntryId,
    end: bool,
}

/// The id after which a client knows the lines up to this entry.
pub(crate) fn place(created_at: i64, line: EntryId) -> impl fmt::Display {
    At { created_at, line, end: false }
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}{}", self.created_at, self.line, if self.end { ".end" } else { "" })
    }
}

impl FromStr for At {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (text, end) = text.strip_suffix(".end").map_or((text, false), |text| (text, true));
        let (created_at, line) = text.split_once('.').ok_or(())?;
        Ok(Self { created_at: created_at.parse().map_err(drop)?, line: line.parse().map_err(drop)?, end })
    }
}

#[derive(Serialize)]
struct LogJson<'a> {
    stream: &'a str,
    line: &'a str,
    at: String,
}

struct JobStream {
    id: JobId,
    watch: Watch,
    _place: Place,
    first: Frames,
    /// Why the client has to begin anew, as long as it does not know.
    reset: Option<&'static str>,
    /// The job as the client has it; `None` when it is to be told anew.
    shown: Option<JobRecord>,
    away: bool,
    over: bool,
    comment_at: Instant,
}

impl JobStream {
    async fn next(&mut self) -> Option<Frames> {
        let mut frames = std::mem::take(&mut self.first);
        while !self.over {
            match self.watch.step(self.comment_at).await {
                Step::Seen(seen) => self.tell(*seen, &mut frames).await,
                Step::Gone => {
                    let end = At { end: true, ..self.at() };
                    frames.event("end", end, &json!({ "id": self.id.to_string(), "state": null }).to_string());
                    self.over = true;
                }
                Step::Away => {
                    if !self.away {
                        frames.comment("Redis cannot be reached: this stream goes on by itself when it can");
                    }
                    // Much may have happened when it is back.
                    (self.away, self.shown) = (true, None);
                }
                Step::Silence => frames.comment("still here"),
                Step::Closing => return None,
            }
            if !frames.is_empty() {
                self.comment_at = Instant::now() + COMMENT_EVERY;
                return Some(frames);
            }
        }
        None
    }

    fn at(&self) -> At {
        At { created_at: self.watch.created_at(), line: self.watch.place(), end: false }
    }

    async fn tell(&mut self, seen: Seen, frames: &mut Frames) {
        let Seen { record, from, lines, whole, gap, lost } = seen;
        self.away = false;
        if gap {
            self.reset = Some(LOST);
            self.shown = None;
            self.watch.rewind();
        }
        let begin = At { line: EntryId::ZERO, ..self.at() };
        if let Some(reason) = self.reset.take() {
            frames.event("reset", begin, &json!({ "reason": reason }).to_string());
        }
        let moved = self.shown.as_ref().is_none_or(|shown| bare(shown) != bare(&record));
        // What a run writes comes after its begin and before its end.
        let early = self.shown.is_none() || record.state == JobState::Running;
        if moved && early {
            // Before these lines: who loses the stream in between must get them.
            let at = At { line: if gap { EntryId::ZERO } else { from }, ..begin };
            self.show(&record, at, frames).await;
        }
        if gap {
            self.shown = Some(record);
            return;
        }
        if lost > 0 {
            let line = format!("{lost} earlier lines are no longer kept");
            let at = lines.first().map_or(0, |line| line.at);
            log(&LogLine { id: EntryId::ZERO, stream: "system".to_owned(), at, line }, begin, frames);
        }
        for line in &lines {
            log(line, At { line: line.id, ..begin }, frames);
        }
        let at = self.at();
        if moved && !early && whole {
            self.show(&record, at, frames).await;
        }
        if !moved && self.shown.as_ref().is_some_and(|shown| shown.progress != record.progress) {
            let progress = record.progress.as_ref();
            let fraction = progress.and_then(|progress| progress.fraction);
            let message = progress.and_then(|progress| progress.message.as_deref());
            frames.event("progress", at, &json!({ "fraction": fraction, "message": message }).to_string());
        }
        if whole && record.state.is_terminal() {
            let end = json!({ "id": self.id.to_string(), "state": record.state.as_str() });
            frames.event("end", At { end: true, ..at }, &end.to_string());
            self.over = true;
        }
        if whole || early || !moved {
            self.shown = Some(record);
        }
    }

    async fn show(&self, record: &JobRecord, at: At, frames: &mut Frames) {
        let catalogue = self.watch.app().catalogue.current().await;
        let name = record.task.as_str();
        let item = list_item(record, catalogue.task(name).map(|task| &**task), catalogue.live_workers(name));
        frames.event("state", at, item.get());
    }
}

fn log(line: &LogLine, at: At, frames: &mut Frames) {
    let told = LogJson { stream: &line.stream, line: &line.line, at: format_rfc3339_ms(line.at) };
    frames.event("log", at, &serde_json::to_string(&told).unwrap_or_default());
}

/// What is told as `state`: without what has an event of its own, and without the lease, which every heartbeat moves.
fn bare(record: &JobRecord) -> JobRecord {
    JobRecord { progress: None, lease: None, ..record.clone() }
}
