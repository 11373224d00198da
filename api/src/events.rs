//! Who waits for which job: one reader of the events stream for the whole process, whatever the number of clients.
//!
//! Events are hints. A waiter registers first, then reads the record, then waits to be woken; it reads the record again
//! when woken, when the reader had to begin anew (events may have been missed), and every few seconds anyway. So no
//! wake-up is lost and nothing depends on the stream. Who follows the whole fleet is told by `fleet.rs`, from the same reading.

use crate::fleet::{Fleet, News};
use dayfly_common::{
    model::{JobId, State},
    queue::{Event, EventReader, Queue, QueueError},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit, broadcast, futures::Notified},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// Pause before a broken reader is opened again.
const PAUSE: Duration = Duration::from_millis(250);

/// What a waiter wants to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concern {
    /// The job has ended.
    End,
    /// Anything at all: new log lines, progress, each state.
    All,
}

/// With nobody waiting for this long the stream is left alone: reading it would cost the server a round trip a job.
const LINGER: Duration = Duration::from_secs(3);
/// The reader looks this often whether its place in the stream is still there, and whenever it may have fallen behind.
const CHECK: Duration = Duration::from_secs(5);
/// So many events at once: more may be waiting.
const MANY: usize = 500;
/// Handling what was read took this long: this process was stopped, or starved.
const STALLED: Duration = Duration::from_secs(1);
/// Waiters that read at a time: one event may wake thousands, and other requests need connections too (the pool has 16).
const READERS: usize = 8;

/// The register of waiters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Events(Arc<Register>);

#[derive(Debug)]
struct Register {
    waiters: Mutex<HashMap<JobId, Vec<Arc<Waiter>>>>,
    /// Somebody has come.
    came: Notify,
    fleet: Fleet,
    turns: Semaphore,
}

impl Default for Register {
    fn default() -> Self {
        let (waiters, came, fleet) = (Mutex::default(), Notify::new(), Fleet::default());
        Self { waiters, came, fleet, turns: Semaphore::new(READERS) }
    }
}

#[derive(Debug)]
struct Waiter {
    concern: Concern,
    notify: Notify,
}

/// A place in the register; given up when dropped.
#[derive(Debug)]
pub(crate) struct Interest {
    events: Events,
    id: JobId,
    waiter: Arc<Waiter>,
}

impl Events {
    fn waiters(&self) -> MutexGuard<'_, HashMap<JobId, Vec<Arc<Waiter>>>> {
        self.0.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers; to be done before the record is read.
    pub(crate) fn register(&self, id: JobId, concern: Concern) -> Interest {
        let waiter = Arc::new(Waiter { concern, notify: Notify::new() });
        self.waiters().entry(id).or_default().push(Arc::clone(&waiter));
        self.0.came.notify_one();
        Interest { events: self.clone(), id, waiter }
    }

    /// The changes of all jobs. Who listens begins with [`Events::listen`].
    pub(crate) fn fleet(&self) -> &Fleet {
        &self.0.fleet
    }

    /// Listens to the changes of all jobs; to be done before their state is read.
    pub(crate) fn listen(&self) -> broadcast::Receiver<News> {
        let news = self.0.fleet.subscribe();
        self.0.came.notify_one();
        news
    }

    /// A turn to read, for who was woken; without a bound of its own, in order of coming.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // Never closed.
        self.0.turns.acquire().await.ok()
    }

    fn tell(&self, event: &Event) {
        let ended = event.state.is_some_and(State::is_terminal);
        let waiters = self.waiters();
        for waiter in waiters.get(&event.id).into_iter().flatten() {
            if ended || waiter.concern == Concern::All {
                waiter.notify.notify_one();
            }
        }
    }

    /// Events may have been missed: everybody looks again.
    fn tell_all(&self) {
        for waiter in self.waiters().values().flatten() {
            waiter.notify.notify_one();
        }
        self.0.fleet.tell_gap();
    }

    fn has_waiters(&self) -> bool {
        self.0.fleet.has_listeners() || !self.waiters().is_empty()
    }

    /// Reads the stream until `closing`.
    pub(crate) async fn run(self, queue: Queue, closing: CancellationToken) {
        closing.run_until_cancelled(self.read(queue)).await;
    }

    async fn read(&self, queue: Queue) {
        let mut told = false;
        loop {
            let error = match queue.event_reader().await {
                Ok(reader) => {
                    if told {
                        tracing::info!("the events stream is read again");
                    }
                    told = false;
                    self.tell_all();
                    self.follow(reader).await
                }
                Err(error) => error,
            };
            if !told {
                tracing::warn!(%error, "the events stream cannot be read; waiting clients look by themselves meanwhile");
                told = true;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn follow(&self, mut reader: EventReader) -> QueueError {
        let (mut wanted, mut checked, mut told) = (Instant::now(), Instant::now(), Instant::now());
        let mut many = false;
        loop {
            if self.has_waiters() {
                wanted = Instant::now();
            }
            if wanted.elapsed() > LINGER {
                self.0.came.notified().await;
                // Whoever has come may have read its record before this: all look again, once the reader is in place.
                if let Err(error) = reader.skip_to_newest().await {
                    return error;
                }
                self.tell_all();
                wanted = Instant::now();
            } else if many || told.elapsed() > STALLED || checked.elapsed() > CHECK {
                match reader.intact().await {
                    Ok(true) => {}
                    Ok(false) => {
                        if let Err(error) = reader.skip_to_newest().await {
                            return error;
                        }
                        tracing::info!("the events stream has lost what came before: all who wait look again");
                        self.tell_all();
                    }
                    Err(error) => return error,
                }
                checked = Instant::now();
            }
            match reader.next().await {
                Ok(events) => {
                    many = events.len() >= MANY;
                    events.iter().for_each(|event| self.tell(event));
                    self.0.fleet.tell(&events);
                }
                Err(error) => return error,
            }
            told = Instant::now();
        }
    }
}

impl Interest {
    /// Resolves at the next wake-up, or at once when one came since the last.
    pub(crate) fn woken(&self) -> Notified<'_> {
        self.waiter.notify.notified()
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        let mut waiters = self.events.waiters();
        if let Some(of_job) = waiters.get_mut(&self.id) {
            of_job.retain(|waiter| !Arc::ptr_eq(waiter, &self.waiter));
            if of_job.is_empty() {
                waiters.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dayfly_common::queue::EntryId;
    use futures_util::FutureExt as _;

    fn event(id: JobId, state: Option<State>) -> Event {
        Event { entry: EntryId::ZERO, id, task: "t".parse().unwrap(), state }
    }

    #[test]
    fn waiters_are_woken_for_what_concerns_them() {
        let events = Events::default();
        let id = JobId::now();
        let end = events.register(id, Concern::End);
        let all = events.register(id, Concern::All);
        let other = events.register(JobId::now(), Concern::All);
        events.tell(&event(id, Some(State::Running)));
        assert!(end.woken().now_or_never().is_none());
        assert!(all.woken().now_or_never().is_some());
        events.tell(&event(id, Some(State::Failed)));
        assert!(end.woken().now_or_never().is_some());
        assert!(all.woken().now_or_never().is_some());
        assert!(other.woken().now_or_never().is_none());
        events.tell_all();
        assert!(other.woken().now_or_never().is_some());
    }

    #[test]
    fn a_dropped_interest_leaves_nothing() {
        let events = Events::default();
        let id = JobId::now();
        let (one, two) = (events.register(id, Concern::End), events.register(id, Concern::End));
        drop(one);
        assert_eq!(events.waiters()[&id].len(), 1);
        drop(two);
        assert!(events.waiters().is_empty());
    }
}
