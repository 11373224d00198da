//! A value of Redis, kept for a second.
//!
//! Whatever the number of requests, one at a time reads it again. While Redis cannot be asked, the last value is good
//! for a minute (for `/metrics`, which tells just that, until it is back): no token can be revoked in that time either, except by who reaches a server that this process does not.

use dayfly_common::queue::QueueError;
use std::{
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How old a value may be. So much later than its revocation a token may still be taken.
const FRESH: Duration = Duration::from_secs(1);
/// How old, while Redis cannot be asked.
pub(super) const GRACE: Duration = Duration::from_secs(60);
/// The same, for who asks whether Redis is there: as long as it takes.
pub(super) const GRACE_OF_METRICS: Duration = Duration::MAX;
/// After a failed reading, requests fail at once for this long, rather than each after a deadline of its own.
const TRY_AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Kept<T> {
    state: Mutex<State<T>>,
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State<T> {
    /// With the time it was asked for: it may be older than its arrival.
    value: Option<(Instant, T)>,
    failed: Option<(Instant, QueueError)>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { state: Mutex::new(State { value: None, failed: None }), reading: tokio::sync::Mutex::default() }
    }
}

impl<T: Clone> Kept<T> {
    /// The value at `now`, and its age; `read` is only run when it must be. `grace`: how old it may be when that fails.
    pub(super) async fn get(
        &self,
        now: Instant,
        grace: Duration,
        read: impl Future<Output = Result<T, QueueError>>,
    ) -> Result<(T, Duration), QueueError> {
        if let Some(known) = self.known(now, grace) {
            return known;
        }
        let _one_at_a_time = self.reading.lock().await;
        if let Some(known) = self.known(now, grace) {
            return known;
        }
        let begun = Instant::now();
        match read.await {
            Ok(value) => {
                *self.state() = State { value: Some((now, value.clone())), failed: None };
                Ok((value, begun.elapsed()))
            }
            Err(error) => {
                let mut state = self.state();
                state.failed = Some((now + begun.elapsed(), error.clone()));
                state.younger_than(grace, now).ok_or(error)
            }
        }
    }

    /// Whether it holds a value that may be used.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        self.state().younger_than(FRESH, now).is_some()
    }

    fn known(&self, now: Instant, grace: Duration) -> Option<Result<(T, Duration), QueueError>> {
        let state = self.state();
        if let Some(fresh) = state.younger_than(FRESH, now) {
            return Some(Ok(fresh));
        }
        let (_, error) = state.failed.as_ref().filter(|(at, _)| now.saturating_duration_since(*at) < TRY_AGAIN)?;
        Some(state.younger_than(grace, now).ok_or_else(|| error.clone()))
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> State<T> {
    fn younger_than(&self, bound: Duration, now: Instant) -> Option<(T, Duration)> {
        let (asked, value) = self.value.as_ref()?;
        let age = now.saturating_duration_since(*asked);
        (age < bound).then(|| (value.clone(), age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fine(value: u32) -> Result<u32, QueueError> {
        Ok(value)
    }

    async fn away() -> Result<u32, QueueError> {
        Err(QueueError::Unreachable("gone".to_owned()))
    }

    #[tokio::test]
    async fn a_value_is_read_again_after_a_second_and_not_before() {
        let (kept, now) = (Kept::default(), Instant::now());
        assert_eq!(kept.get(now, GRACE, fine(1)).await.unwrap().0, 1);
        assert_eq!(kept.get(now + FRESH / 2, GRACE, fine(2)).await.unwrap().0, 1);
        let later = now + FRESH;
        assert!(!kept.is_fresh(later));
        assert_eq!(kept.get(later, GRACE, fine(3)).await.unwrap().0, 3);
        assert!(kept.is_fresh(later));
    }

    #[tokio::test]
    async fn while_redis_is_away_it_is_good_for_a_minute() {
        let (kept, now) = (Kept::default(), Instant::now());
        assert!(kept.get(now, GRACE, away()).await.is_err());
        assert!(kept.get(now + TRY_AGAIN / 2, GRACE, fine(1)).await.is_err(), "no second try within a second");
        let now = now + TRY_AGAIN * 2;
        assert_eq!(kept.get(now, GRACE, fine(1)).await.unwrap().0, 1);
        let nearly = GRACE - FRESH;
        assert_eq!(kept.get(now + nearly, GRACE, away()).await.unwrap(), (1, nearly));
        assert!(kept.get(now + GRACE, GRACE, away()).await.is_err());
        assert_eq!(kept.get(now + GRACE * 2, GRACE_OF_METRICS, away()).await.unwrap().0, 1);
    }
}
