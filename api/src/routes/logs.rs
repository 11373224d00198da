//! GET /v1/jobs/{id}/logs: the captured lines as plain text; `?tail=N` the last ones, `?follow=1` on and on until the job
//! has ended (`curl -N`).

use crate::{
    app::App,
    auth::{Principal, visible},
    error::{Code, Problem},
    events::{Concern, Interest},
    extract::{JobPath, WantsText, query},
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, Response, Uri, header},
};
use dayfly_common::{
    model::JobId,
    queue::{LogLine, QueueError},
};
use futures_util::stream;
use std::{sync::Arc, time::Duration};

/// Lines read at a time.
const PAGE: usize = 1_000;
const MOST_TAIL: u64 = 100_000;
/// A follower looks this often even when nothing woke it.
const LOOK_ANYWAY: Duration = Duration::from_secs(2);

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
    let view = visible(&who, id, app.queue.job(id).await?)?;
    let ended = view.record.state.is_terminal();
    let (lines, seen_to_end) = match tail {
        Some(0) => (app.queue.log_tail(id, 1).await?, true),
        Some(count) => (app.queue.log_tail(id, count).await?, true),
        None => {
            let lines = app.queue.log(id, None, PAGE).await?;
            let short = lines.len() < PAGE;
            (lines, short)
        }
    };
    let after = lines.last().map(|line| line.id.clone());
    let shown = if tail == Some(0) { Vec::new() } else { lines };
    let done = seen_to_end && (ended || interest.is_none());
    let first = page(&shown);
    let body = if done {
        Body::from(first)
    } else {
        let reader = Reader { app, id, after, interest, ended, caught_up: seen_to_end, first: Some(first) };
        Body::from_stream(stream::try_unfold(reader, |mut reader| async move {
            Ok::<_, QueueError>(reader.next().await?.map(|bytes| (bytes, reader)))
        }))
    };
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// The rest of a log, page by page.
struct Reader {
    app: Arc<App>,
    id: JobId,
    after: Option<String>,
    interest: Option<Interest>,
    /// The job had ended before the last page was read, so nothing comes after an empty page.
    ended: bool,
    caught_up: bool,
    first: Option<Bytes>,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Bytes>, QueueError> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Ok(Some(first));
        }
        loop {
            if self.caught_up && !self.wait().await? {
                return Ok(None);
            }
            let lines = self.app.queue.log(self.id, self.after.as_deref(), PAGE).await?;
            self.caught_up = lines.len() < PAGE;
            if let Some(last) = lines.last() {
                self.after = Some(last.id.clone());
                return Ok(Some(page(&lines)));
            }
        }
    }

    /// Waits until there may be more; `false` when nothing more will come.
    async fn wait(&mut self) -> Result<bool, QueueError> {
        let Some(interest) = self.interest.as_ref().filter(|_| !self.ended) else { return Ok(false) };
        tokio::select! {
            () = interest.woken() => {}
            () = tokio::time::sleep(LOOK_ANYWAY) => {}
            () = self.app.closing.cancelled() => return Ok(false),
        }
        // Once it has ended, one more page is read: the lines that came before its end.
        self.ended =
            interest.ended() || self.app.queue.job(self.id).await?.is_none_or(|view| view.record.state.is_terminal());
        Ok(true)
    }
}

/// Lines as they were, those of Dayfly itself marked.
fn page(lines: &[LogLine]) -> Bytes {
    let mut text = String::with_capacity(lines.iter().map(|line| line.line.len() + 1).sum());
    for line in lines {
        if line.stream == "system" {
            text.push_str("[dayfly] ");
        }
        text.push_str(&line.line);
        text.push('\n');
    }
    text.into()
}
