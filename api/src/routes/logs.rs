//! GET /v1/jobs/{id}/logs: the captured lines as plain text; `?tail=N` the last ones, `?follow=1` on and on, over all
//! attempts, until the job has ended (`curl -N`).

use crate::{
    app::App,
    auth::{Principal, visible},
    error::{Code, Problem},
    events::Concern,
    extract::{JobPath, WantsText, query},
    streams::Place,
    watch::{PAGE, Seen, Step, Watch},
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderName, HeaderValue, Response, Uri, header},
};
use dayfly_common::{
    model::JobId,
    queue::{EntryId, LogLine, QueueError},
};
use futures_util::stream;
use std::{convert::Infallible, fmt::Write as _, sync::Arc, time::Duration};
use tokio::time::Instant;

const MOST_TAIL: u64 = 100_000;
/// Plain text has no way to say that nothing happened, so a follower just goes on.
const QUIET: Duration = Duration::from_secs(60);
/// What Dayfly itself says in a log begins with this.
const OWN: &str = "[dayfly] ";

/// GET /v1/jobs/{id}/logs
pub(crate) async fn text(
    State(app): State<Arc<App>>,
    _: WantsText,
    who: Principal,
    JobPath(id): JobPath,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    let query = query(&uri, &["tail", "follow"])?;
    let tail = query.number("tail", 0, MOST_TAIL)?.map(|tail| usize::try_from(tail).unwrap_or(usize::MAX));
    let follow = match query.get("follow") {
        None | Some("0" | "false") => false,
        Some("" | "1" | "true") => true,
        Some(other) => {
            return Err(Problem::new(Code::BadOption, format!("`follow={other}`: it must be 1 or 0.")));
        }
    };
    // Registered before anything is read, so that no line slips between.
    let interest = follow.then(|| app.events.register(id, Concern::All));
    let record = visible(&who, id, app.queue.job(id).await?)?.record;
    let (first, after) = match tail {
        Some(count) => last_lines(&app, id, count).await?,
        None => (String::new(), None),
    };
    let body = match (interest, tail) {
        (Some(interest), _) => {
            let place = app.streams.place(&app.closing)?;
            let watch = Watch::new(app, interest, &record, after, tail.is_none());
            let follower = Follower { watch, _place: place, first, over: false };
            Body::from_stream(stream::unfold(follower, |mut follower| async move {
                let text = follower.next().await?;
                Some((Ok::<_, Infallible>(Bytes::from(text)), follower))
            }))
        }
        (None, Some(_)) => Body::from(first),
        (None, None) => all_lines(app, id).await?,
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// The last lines, and where they end.
async fn last_lines(app: &App, id: JobId, count: usize) -> Result<(String, Option<EntryId>), QueueError> {
    let lines = app.queue.log_tail(id, count.max(1)).await?;
    let after = lines.last().map(|line| line.id);
    let mut text = String::new();
    if lines.len() < count {
        say_lost(app.queue.log_trimmed(id).await?, &mut text);
    }
    if count > 0 {
        write(&lines, &mut text);
    }
    Ok((text, after))
}

/// All lines there are now, page by page. The first is read here: when Redis is away, that is a problem to be told.
async fn all_lines(app: Arc<App>, id: JobId) -> Result<Body, QueueError> {
    let lines = app.queue.log(id, None, PAGE).await?;
    let mut text = String::new();
    if !lines.is_empty() {
        say_lost(app.queue.log_trimmed(id).await?, &mut text);
    }
    write(&lines, &mut text);
    let after = lines.last().filter(|_| lines.len() >= PAGE).map(|line| line.id);
    if after.is_none() {
        return Ok(Body::from(text));
    }
    let pages = stream::try_unfold((app, Some(text), after), move |(app, first, after)| async move {
        if let Some(first) = first {
            return Ok(Some((Bytes::from(first), (app, None, after))));
        }
        let Some(place) = after else { return Ok::<_, QueueError>(None) };
        let lines = app.queue.log(id, Some(place), PAGE).await?;
        let after = lines.last().filter(|_| lines.len() >= PAGE).map(|line| line.id);
        let mut text = String::new();
        write(&lines, &mut text);
        Ok(Some((Bytes::from(text), (app, None, after))))
    });
    Ok(Body::from_stream(pages))
}

/// A log on its way to a client that stays.
struct Follower {
    watch: Watch,
    _place: Place,
    first: String,
    over: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<String> {
        let mut text = std::mem::take(&mut self.first);
        while text.is_empty() && !self.over {
            match self.watch.step(Instant::now() + QUIET).await {
                Step::Seen(seen) => {
                    let Seen { record, lines, whole, gap, lost, from: _ } = *seen;
                    say_lost(lost, &mut text);
                    if gap {
                        say("lines are missing here: they are no longer kept", &mut text);
                    }
                    write(&lines, &mut text);
                    self.over = whole && record.state.is_terminal();
                }
                Step::Gone => {
                    say("the job is no longer kept", &mut text);
                    self.over = true;
                }
                Step::Away | Step::Silence => {}
                Step::Closing => return None,
            }
        }
        (!text.is_empty()).then_some(text)
    }
}

fn say_lost(lost: u64, text: &mut String) {
    if lost > 0 {
        say(format_args!("{lost} earlier lines are no longer kept"), text);
    }
}

fn say(what: impl std::fmt::Display, text: &mut String) {
    let _infallible = writeln!(text, "{OWN}{what}");
}

/// Lines as they were, those of Dayfly itself marked.
fn write(lines: &[LogLine], text: &mut String) {
    text.reserve(lines.iter().map(|line| line.line.len() + 1).sum());
    for line in lines {
        if line.stream == "system" {
            text.push_str(OWN);
        }
        text.push_str(&line.line);
        text.push('\n');
    }
}
