//! GET /v1/events: changes of all jobs, as server-sent events.
//!
//! `ready` says from where on nothing is missed: a client that reads the lists after it and then follows the `job` events
//! knows all jobs. `reset` says the same after history was lost: read the lists again. A reconnect with `Last-Event-ID` goes on
//! where it was as long as the events stream still holds that place.

use crate::{
    app::App,
    auth::Principal,
    error::{Code, Problem},
    extract::{WantsEvents, query},
    fleet::{Change, News, changes},
    streams::{COMMENT_EVERY, Frames, Place, events_response, last_event_id},
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, Uri},
};
use dayfly_common::{
    model::{State as JobState, TaskName},
    queue::{EntryId, QueueError},
};
use futures_util::stream;
use std::{sync::Arc, time::Duration};
use tokio::{sync::broadcast, time::Instant};

/// Events read back at a time.
const PAGE: usize = 200;
/// Changes put into one piece of the answer, when that many are there.
const AT_ONCE: usize = 64;
/// Pause before history is read again while Redis is away.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

const TRIMMED: &str = "the events after this place are no longer kept: read the lists again";
const UNREADABLE: &str = "the last event id is not one that this stream gave: read the lists again";

/// GET /v1/events
pub(crate) async fn follow(
    State(app): State<Arc<App>>,
    _: WantsEvents,
    who: Principal,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let query = query(&uri, &["task", "state", "last_event_id"])?;
    let bad = |why: String| Problem::new(Code::BadOption, why);
    let task: Option<TaskName> =
        query.get("task").map(str::parse).transpose().map_err(|why| bad(format!("`task`: {why}.")))?;
    let state = query.get("state").map(str::parse::<JobState>).transpose().map_err(|why| bad(format!("{why}.")))?;
    let resumed = last_event_id(&headers, query.get("last_event_id"));

    let place = app.streams.place(&app.closing)?;
    // Before the newest entry is read: what comes between is heard, and what is heard twice is known by its id.
    let news = app.events.listen();
    let newest = app.queue.newest_event().await?;
    let mut first = Frames::default();
    first.retry(place.retry_ms());
    let (at, behind) = match resumed.map(|id| id.parse::<EntryId>()) {
        Some(Ok(at)) => (at, true),
        Some(Err(_)) => {
            first.event("reset", newest, &reason(UNREADABLE));
            (newest, false)
        }
        None => {
            first.event("ready", newest, "{}");
            (newest, false)
        }
    };
    let stream = FleetStream {
        app,
        who,
        _place: place,
        news,
        task,
        state,
        at,
        told: at,
        behind,
        away: false,
        first: Some(first),
        comment_at: Instant::now() + COMMENT_EVERY,
    };
    Ok(events_response(stream::unfold(stream, |mut stream| async move {
        let frames = stream.next().await?;
        Some((Bytes::from(frames), stream))
    })))
}

fn reason(why: &str) -> String {
    serde_json::json!({ "reason": why }).to_string()
}

struct FleetStream {
    app: Arc<App>,
    who: Principal,
    _place: Place,
    news: broadcast::Receiver<News>,
    task: Option<TaskName>,
    state: Option<JobState>,
    /// Everything up to this entry was seen.
    at: EntryId,
    /// What the client takes for its place.
    told: EntryId,
    /// There may be history to read.
    behind: bool,
    away: bool,
    first: Option<Frames>,
    comment_at: Instant,
}

impl FleetStream {
    async fn next(&mut self) -> Option<Frames> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let app = Arc::clone(&self.app);
        let mut frames = Frames::default();
        while frames.is_empty() {
            let step =
                async { if self.behind { self.read_back(&mut frames).await } else { self.listen(&mut frames).await } };
            app.closing.run_until_cancelled(step).await?;
        }
        self.comment_at = Instant::now() + COMMENT_EVERY;
        Some(frames)
    }

    /// Reads history from this stream's own place on: a page.
    async fn read_back(&mut self, frames: &mut Frames) {
        match self.page(frames).await {
            Ok(()) => self.away = false,
            Err(error) => {
                tracing::debug!(%error, "the events stream could not be read back for a client");
                if !self.away {
                    frames.comment("Redis cannot be reached: this stream goes on by itself when it can");
                }
                self.away = true;
                tokio::time::sleep_until(self.comment_at.min(Instant::now() + LOOK_AGAIN)).await;
                if Instant::now() >= self.comment_at {
                    frames.comment("still here");
                }
            }
        }
    }

    async fn page(&mut self, frames: &mut Frames) -> Result<(), QueueError> {
        let app = Arc::clone(&self.app);
        let _turn = app.events.turn().await;
        match app.queue.events_after(self.at, PAGE).await? {
            Some(history) => {
                for change in changes(&app, &history.events).await? {
                    self.pass_on(&change, frames);
                }
                self.at = self.at.max(history.last);
                self.behind = history.more;
            }
            None => {
                // Not `max`: a server that lost its data may have begun anew.
                self.at = app.queue.newest_event().await?;
                self.told = self.at;
                self.behind = false;
                frames.event("reset", self.at, &reason(TRIMMED));
            }
        }
        Ok(())
    }

    /// Waits for news, or until it is time for a comment.
    async fn listen(&mut self, frames: &mut Frames) {
        tokio::select! {
            heard = self.news.recv() => match heard {
                Ok(news) => self.hear(news, frames),
                Err(broadcast::error::RecvError::Lagged(_) | broadcast::error::RecvError::Closed) => self.behind = true,
            },
            () = tokio::time::sleep_until(self.comment_at) => {
                frames.comment("still here");
                if self.told != self.at {
                    self.told = self.at;
                    frames.place(self.at);
                }
            }
        }
        for _ in 0..AT_ONCE {
            match self.news.try_recv() {
                Ok(news) => self.hear(news, frames),
                Err(broadcast::error::TryRecvError::Lagged(_)) => self.behind = true,
                Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => return,
            }
        }
    }

    fn hear(&mut self, news: News, frames: &mut Frames) {
        match news {
            News::Gap => self.behind = true,
            // History has it, and in order.
            News::Change(_) | News::At(_) if self.behind => {}
            News::Change(change) => self.pass_on(&change, frames),
            News::At(entry) => self.at = self.at.max(entry),
        }
    }

    /// Once, and in order.
    fn pass_on(&mut self, change: &Change, frames: &mut Frames) {
        if change.entry <= self.at {
            return;
        }
        self.at = change.entry;
        let wanted = self.task.as_ref().is_none_or(|task| *task == change.task)
            && self.state.is_none_or(|state| state == change.state)
            && (self.who.sees_all() || change.owner.as_deref().is_some_and(|owner| self.who.sees(owner)));
        if wanted {
            self.told = change.entry;
            frames.append(&change.frame);
        }
    }
}
