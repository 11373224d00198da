//! How many requests are worked on at once. Beyond a bound a request is refused at once rather than made to wait behind
//! more than the queue can do.
//!
//! What counts is work: a request that waits for a job's end, or for its client to send the body, rests meanwhile.

use crate::error::{Code, Problem};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

tokio::task_local! {
    /// The ticket of the request that this task answers.
    static TICKET: Arc<Ticket>;
}

/// The count.
#[derive(Debug)]
pub(crate) struct Load {
    busy: AtomicUsize,
    most: usize,
}

/// One request's part in it; given back when dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    load: Arc<Load>,
    resting: AtomicBool,
}

impl Load {
    /// `most` requests at a time.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { busy: AtomicUsize::new(0), most })
    }

    /// Begins a request.
    ///
    /// # Errors
    /// There is too much to do already.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Arc<Ticket>, Problem> {
        let entered = self.busy.fetch_update(Relaxed, Relaxed, |busy| (busy < self.most).then_some(busy + 1));
        if entered.is_err() {
            let detail = format!(
                "This server works on {} requests already, the most it takes at a time (`max_requests` in the section \
                 [api] of its configuration). Nothing was done; please try again.",
                self.most
            );
            return Err(Problem::new(Code::Overloaded, detail).retry_after(1));
        }
        Ok(Arc::new(Ticket { load: Arc::clone(self), resting: AtomicBool::new(false) }))
    }
}

impl Ticket {
    /// The request waits for somebody else. Whoever goes on with it is not refused: its count may pass the bound.
    pub(crate) fn rest(&self, rests: bool) {
        if self.resting.swap(rests, Relaxed) == rests {
            return;
        }
        if rests {
            self.load.busy.fetch_sub(1, Relaxed);
        } else {
            self.load.busy.fetch_add(1, Relaxed);
        }
    }

    /// Runs the handler of a request so that [`resting`] finds this ticket.
    pub(crate) async fn hold<F: Future>(self: Arc<Self>, handler: F) -> F::Output {
        TICKET.scope(self, handler).await
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !*self.resting.get_mut() {
            self.load.busy.fetch_sub(1, Relaxed);
        }
    }
}

/// Marks the request of this task as waiting until the value is dropped.
#[derive(Debug)]
pub(crate) struct Rest(Option<Arc<Ticket>>);

/// The request of this task waits from now on, for what costs this server nothing.
pub(crate) fn resting() -> Rest {
    let ticket = TICKET.try_with(Arc::clone).ok();
    if let Some(ticket) = &ticket {
        ticket.rest(true);
    }
    Rest(ticket)
}

impl Drop for Rest {
    fn drop(&mut self) {
        if let Some(ticket) = &self.0 {
            ticket.rest(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_rests_makes_room() {
        let load = Load::new(1);
        let ticket = load.enter().unwrap();
        assert_eq!(load.enter().unwrap_err().code(), Code::Overloaded);
        let held = ticket.clone().hold(async {
            let rest = resting();
            drop(load.enter().unwrap());
            let second = load.enter().unwrap();
            drop(rest);
            assert_eq!(load.busy.load(Relaxed), 2);
            drop(second);
        });
        held.await;
        assert!(load.enter().is_err());
        ticket.rest(true);
        drop(ticket);
        assert_eq!(load.busy.load(Relaxed), 0);
        drop(resting());
    }
}
