//! What this process knows of tokens.

use super::kept::{GRACE, GRACE_OF_METRICS, Kept};
use crate::{app::App, error::Problem};
use dayfly_common::{
    model::TokenId,
    queue::{Queue, QueueError, SessionRecord, TokenRecord},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Tokens kept at most; who shows many that are none must not fill the memory.
const MOST: usize = 10_000;

/// The tokens that were shown lately, and whether any is asked for.
#[derive(Debug)]
pub(crate) struct Known {
    /// Where nobody but this host, or whoever the operator trusts, can reach it.
    may_be_open: bool,
    /// A token was made once: from then on one is asked for.
    asks: AtomicBool,
    any: Kept<bool>,
    tokens: Shelf<Found>,
    sessions: Shelf<Option<SessionRecord>>,
}

/// What was asked for lately, by id.
type Shelf<T> = Mutex<HashMap<TokenId, Arc<Kept<T>>>>;

/// What Redis had of one id.
#[derive(Debug, Clone)]
struct Found {
    record: Option<Arc<TokenRecord>>,
    now: i64,
}

impl Known {
    /// `may_be_open`: as long as no token was ever made, everybody may do everything.
    pub(crate) fn new(may_be_open: bool) -> Self {
        Self {
            may_be_open,
            asks: AtomicBool::new(false),
            any: Kept::default(),
            tokens: Mutex::default(),
            sessions: Mutex::default(),
        }
    }

    /// Whether requests without a token are answered. `path`: of the request.
    pub(super) async fn is_open(&self, app: &App, path: &str) -> Result<bool, Problem> {
        if !self.may_be_open || self.asks.load(Ordering::Acquire) {
            return Ok(false);
        }
        let (any, _) = self.any.get(Instant::now(), grace(path), app.queue.any_token()).await?;
        if any {
            self.ask_from_now_on();
        }
        Ok(!any)
    }

    /// The token of this id, and the server's time now, ms. `path`: of the request.
    pub(super) async fn token(
        &self,
        queue: &Queue,
        id: &TokenId,
        path: &str,
    ) -> Result<(Option<Arc<TokenRecord>>, i64), QueueError> {
        let kept = kept(&self.tokens, id);
        let read = async {
            let looked = queue.look_up_token(id).await?;
            if looked.any {
                self.ask_from_now_on();
            }
            Ok(Found { record: looked.record.map(Arc::new), now: looked.now })
        };
        let (found, age) = kept.get(Instant::now(), grace(path), read).await?;
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        Ok((found.record, found.now.saturating_add(age_ms)))
    }

    fn ask_from_now_on(&self) {
        if !self.asks.swap(true, Ordering::AcqRel) {
            tracing::info!("there are tokens: every request needs one from now on");
        }
    }

    /// The session of this id.
    pub(super) async fn session(&self, queue: &Queue, id: &TokenId) -> Result<Option<SessionRecord>, QueueError> {
        let kept = kept(&self.sessions, id);
        Ok(kept.get(Instant::now(), GRACE, queue.session(id)).await?.0)
    }

    /// From now on this process does not take the session any more.
    pub(super) fn forget_session(&self, id: &TokenId) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

fn kept<T: Clone>(shelf: &Shelf<T>, id: &TokenId) -> Arc<Kept<T>> {
    let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(kept) = shelf.get(id) {
        return Arc::clone(kept);
    }
    if shelf.len() >= MOST {
        let now = Instant::now();
        shelf.retain(|_, kept| kept.is_fresh(now));
        // All of them within a second: none of them is worth the memory.
        if shelf.len() >= MOST {
            shelf.clear();
        }
    }
    let kept = Arc::new(Kept::default());
    shelf.insert(id.clone(), Arc::clone(&kept));
    kept
}

/// How long what is known is good for while Redis is away.
fn grace(path: &str) -> Duration {
    if path == "/metrics" { GRACE_OF_METRICS } else { GRACE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dayfly_common::model::Token;

    #[test]
    fn tokens_that_are_none_do_not_fill_the_memory() {
        let known = Known::new(true);
        for _ in 0..MOST + 5 {
            drop(kept(&known.tokens, Token::random().id()));
        }
        let count = known.tokens.lock().unwrap().len();
        assert!((1..=MOST).contains(&count), "{count}");
    }
}
