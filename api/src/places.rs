//! How many connections there are at a time.
//!
//! ```text
//!   a place is free                      taken
//!   all are taken, one is quiet          the one that has been quiet for longest is closed, its place taken
//!   all are taken, and all are busy      the lobby: served, but only with 503 (probes are answered as ever)
//!   the lobby is full                    not accepted; whoever connects waits in the system's queue
//! ```
//!
//! Quiet is a connection on which nobody waits for an answer: it rests between two requests, or its first one, or its
//! handshake, never came whole. (Who came a moment ago is about to speak, and is left alone.) So a crowd of half-open connections costs no honest client its answer.

use crate::stages::Watch;
use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// Connections beyond the bound that are told so.
const LOBBY: usize = 64;
/// For a client to speak up once it has connected.
const JUST_CAME: Duration = Duration::from_millis(250);
/// Full places are logged at most this often.
const SAID_AGAIN: Duration = Duration::from_secs(10);

/// All places.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    /// How long a connection must have been quiet to be closed for another.
    just_came: Duration,
    taken: Mutex<Taken>,
    left: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    places: HashMap<u64, Arc<Watch>>,
    lobby: usize,
    said: Option<Instant>,
}

/// One connection's place; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    /// `None` in the lobby.
    key: Option<u64>,
}

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Self::leaving_alone(most, JUST_CAME)
    }

    fn leaving_alone(most: usize, just_came: Duration) -> Arc<Self> {
        Arc::new(Self { most, just_came, taken: Mutex::default(), left: Notify::new() })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a further connection may be accepted. Cancel-safe.
    pub(crate) async fn room(&self) {
        self.until(|taken| taken.lobby < LOBBY).await;
    }

    /// Waits until nobody is connected. Cancel-safe.
    pub(crate) async fn empty(&self) {
        self.until(Taken::are_free).await;
    }

    /// Whether nobody is connected.
    pub(crate) fn are_free(&self) -> bool {
        self.taken().are_free()
    }

    async fn until(&self, holds: impl Fn(&Taken) -> bool) {
        loop {
            let mut left = pin!(self.left.notified());
            // Armed before the look: whoever leaves in between is not missed.
            left.as_mut().enable();
            if holds(&self.taken()) {
                return;
            }
            left.await;
        }
    }

    /// A place for a connection.
    pub(crate) fn take(self: &Arc<Self>, watch: &Arc<Watch>) -> Place {
        let mut taken = self.taken();
        let full = taken.places.len() >= self.most;
        if full && taken.said.is_none_or(|said| said.elapsed() >= SAID_AGAIN) {
            taken.said = Some(Instant::now());
            tracing::warn!(
                max_connections = self.most,
                "all {} connections are taken: quiet ones are closed to make room, else new ones are answered 503",
                self.most
            );
        }
        let mut key = None;
        if !full || taken.close_quiet(self.just_came) {
            key = Some(taken.next);
            let next = taken.next;
            taken.places.insert(next, Arc::clone(watch));
            taken.next += 1;
        } else {
            taken.lobby += 1;
        }
        Place { places: Arc::clone(self), key }
    }
}

impl Taken {
    fn are_free(&self) -> bool {
        self.places.is_empty() && self.lobby == 0
    }

    /// Closes what has been quiet for longest, if there is such a connection.
    fn close_quiet(&mut self, for_at_least: Duration) -> bool {
        let quiet = self.places.iter().filter_map(|(key, watch)| Some((watch.quiet_since()?, *key)));
        let Some((_, key)) = quiet.min().filter(|(since, _)| since.elapsed() >= for_at_least) else { return false };
        if let Some(watch) = self.places.remove(&key) {
            watch.gone.cancel();
        }
        true
    }
}

impl Place {
    /// Whether there was none: this connection is only told so.
    pub(crate) fn is_lobby(&self) -> bool {
        self.key.is_none()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        match self.key {
            Some(key) => drop(taken.places.remove(&key)),
            None => taken.lobby -= 1,
        }
        drop(taken);
        self.places.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::Bounds;
    use futures_util::FutureExt as _;
    use tokio_util::sync::CancellationToken;

    fn watch() -> Arc<Watch> {
        let bounds = Bounds { head: Duration::from_secs(1), idle: Duration::from_secs(1) };
        Watch::new(bounds, CancellationToken::new())
    }

    #[test]
    fn the_longest_quiet_one_makes_room_and_a_busy_one_never() {
        let places = Places::leaving_alone(2, Duration::ZERO);
        let (first, second, third) = (watch(), watch(), watch());
        let busy = first.begin();
        let one = places.take(&first);
        let two = places.take(&second);
        let three = places.take(&third);
        assert!(!three.is_lobby() && second.gone.is_cancelled() && !first.gone.is_cancelled());
        drop(two);
        let more_busy = third.begin();
        let four = places.take(&watch());
        assert!(four.is_lobby());
        drop((busy, more_busy, one));
        assert!(!places.take(&watch()).is_lobby());
        assert!(!third.gone.is_cancelled(), "a free place is taken first");
        drop((three, four));
        assert!(places.are_free());
    }

    #[test]
    fn who_just_came_is_left_alone() {
        let places = Places::leaving_alone(1, Duration::from_secs(3_600));
        let first = watch();
        let _one = places.take(&first);
        assert!(places.take(&watch()).is_lobby() && !first.gone.is_cancelled());
    }

    #[tokio::test]
    async fn a_full_lobby_lets_nobody_in_until_one_leaves() {
        let places = Places::new(1);
        let only = watch();
        let _busy = only.begin();
        let _place = places.take(&only);
        let mut lobby: Vec<Place> = (0..LOBBY).map(|_| places.take(&watch())).collect();
        assert!(lobby.iter().all(Place::is_lobby) && places.room().now_or_never().is_none());
        let waiting = places.room();
        let leave = async { drop(lobby.pop()) };
        tokio::join!(waiting, leave);
    }
}
