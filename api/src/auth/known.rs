//! What this process knows of tokens.

use super::kept::Kept;
use crate::{app::App, error::Problem};
use dayfly_common::{
    model::TokenId,
    queue::{Queue, QueueError, TokenRecord},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
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
    tokens: Mutex<HashMap<TokenId, Arc<Kept<Found>>>>,
}

/// What Redis had of one id.
#[derive(Debug, Clone)]
struct Found {
    record: Option<Arc<TokenRecord>>,
    now: i64,
}

impl Known {
    /// `may_be_open`: as long as no token was ever made, everybody may do everything.
    pub(crate) fn new(may_be_open: bool) -> Self {
        Self { may_be_open, asks: AtomicBool::new(false), any: Kept::default(), tokens: Mutex::default() }
    }

    /// Whether requests without a token are answered.
    pub(super) async fn is_open(&self, app: &App) -> Result<bool, Problem> {
        if !self.may_be_open || self.asks.load(Ordering::Acquire) {
            return Ok(false);
        }
        let (any, _) = self.any.get(Instant::now(), app.queue.any_token()).await?;
        if any {
            self.ask_from_now_on();
        }
        Ok(!any)
    }

    /// The token of this id, and the server's time now, ms.
    pub(super) async fn token(
        &self,
        queue: &Queue,
        id: &TokenId,
    ) -> Result<(Option<Arc<TokenRecord>>, i64), QueueError> {
        let kept = self.kept(id);
        let read = async {
            let looked = queue.look_up_token(id).await?;
            if looked.any {
                self.ask_from_now_on();
            }
            Ok(Found { record: looked.record.map(Arc::new), now: looked.now })
        };
        let (found, age) = kept.get(Instant::now(), read).await?;
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        Ok((found.record, found.now.saturating_add(age_ms)))
    }

    fn ask_from_now_on(&self) {
        if !self.asks.swap(true, Ordering::AcqRel) {
            tracing::info!("there are tokens: every request needs one from now on");
        }
    }

    fn kept(&self, id: &TokenId) -> Arc<Kept<Found>> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = tokens.get(id) {
            return Arc::clone(kept);
        }
        if tokens.len() >= MOST {
            let now = Instant::now();
            tokens.retain(|_, kept| kept.is_fresh(now));
            // All of them within a second: none of them is worth the memory.
            if tokens.len() >= MOST {
                tokens.clear();
            }
        }
        let kept = Arc::new(Kept::default());
        tokens.insert(id.clone(), Arc::clone(&kept));
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dayfly_common::model::Token;

    #[test]
    fn tokens_that_are_none_do_not_fill_the_memory() {
        let known = Known::new(true);
        for _ in 0..MOST + 5 {
            drop(known.kept(Token::random().id()));
        }
        let kept = known.tokens.lock().unwrap().len();
        assert!((1..=MOST).contains(&kept), "{kept}");
    }
}
