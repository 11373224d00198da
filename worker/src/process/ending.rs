//! When a job is to be ended, and why: its deadline, its lease, or a request. Pure: no clock, no signal.
//!
//! ```text
//!   running --(deadline, lease's term_at, request)--> asked (SIGTERM sent) --(grace over, lease's kill_at)--> SIGKILL
//! ```

use super::{BootTime, clock::Lease};
use dayfly_common::model::KilledBy;
use std::time::{Duration, Instant};

/// The times of one running job.
#[derive(Debug)]
pub(super) struct Ending {
    lease: Lease,
    deadline: BootTime,
    grace: Duration,
    asked: Option<Asked>,
    first_signal: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    cause: KilledBy,
    kill_at: BootTime,
    term_sent: bool,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Wait for [`Ending::next`].
    Nothing,
    /// Send SIGTERM. Said once.
    Term,
    /// Kill everything.
    Kill,
}

impl Ending {
    /// For a job started now.
    pub(super) fn new(lease: Lease, deadline: BootTime, grace: Duration) -> Self {
        Self { lease, deadline, grace, asked: None, first_signal: None }
    }

    /// A request: the first cause stays, a later request may only shorten the grace.
    pub(super) fn ask(&mut self, cause: KilledBy, grace: Duration, now: BootTime) {
        let kill_at = now.after(grace);
        match &mut self.asked {
            Some(asked) => asked.kill_at = asked.kill_at.min(kill_at),
            None => self.asked = Some(Asked { cause, kill_at, term_sent: false }),
        }
    }

    /// The lease reaches further now. It never moves back.
    pub(super) fn renew(&mut self, limit: BootTime) {
        self.lease.limit = self.lease.limit.max(limit);
    }

    /// Takes the lease's limit back: it may be over sooner than was thought.
    pub(super) fn shorten(&mut self, limit: BootTime) {
        self.lease.limit = self.lease.limit.min(limit);
    }

    /// What is to be done at `now`.
    pub(super) fn due(&mut self, now: BootTime) -> Due {
        if self.asked.is_none() {
            if now >= self.deadline {
                self.ask(KilledBy::Deadline, self.grace, now);
            } else if now >= self.lease.term_at() {
                self.ask(KilledBy::Lease, self.grace, now);
            }
        }
        let Some(asked) = &mut self.asked else { return Due::Nothing };
        if now >= asked.kill_at || now >= self.lease.kill_at() {
            return Due::Kill;
        }
        if asked.term_sent {
            return Due::Nothing;
        }
        asked.term_sent = true;
        self.signalled();
        Due::Term
    }

    /// When to ask again.
    pub(super) fn next(&self) -> BootTime {
        match &self.asked {
            None => self.deadline.min(self.lease.term_at()),
            Some(asked) => asked.kill_at.min(self.lease.kill_at()),
        }
    }

    /// The lease as it stands.
    pub(super) fn lease(&self) -> Lease {
        self.lease
    }

    /// A signal is being sent.
    pub(super) fn signalled(&mut self) {
        self.first_signal.get_or_insert_with(Instant::now);
    }

    /// What made it end; nothing when it ended by itself before a signal was sent.
    pub(super) fn cause(&self) -> Option<KilledBy> {
        self.asked.filter(|_| self.first_signal.is_some()).map(|asked| asked.cause)
    }

    /// From the first signal to now.
    pub(super) fn kill_time(&self) -> Option<Duration> {
        self.first_signal.map(|at| at.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn at(seconds: u64) -> BootTime {
        BootTime(seconds * S)
    }

    /// Deadline at 100 s, grace 5 s, lease of 60 s until 160 s: its TERM at 140 s, its KILL at 150 s.
    fn ending() -> Ending {
        let lease = Lease { limit: at(160), ttl: Duration::from_secs(60) };
        Ending::new(lease, at(100), Duration::from_secs(5))
    }

    #[test]
    fn a_deadline_is_term_then_kill() {
        let mut ending = ending();
        assert_eq!((ending.due(at(99)), ending.next()), (Due::Nothing, at(100)));
        assert_eq!((ending.due(at(100)), ending.next()), (Due::Term, at(105)));
        assert_eq!(ending.due(at(104)), Due::Nothing);
        assert_eq!(ending.due(at(105)), Due::Kill);
        assert_eq!(ending.cause(), Some(KilledBy::Deadline));
    }

    #[test]
    fn a_later_request_only_shortens_and_the_first_cause_stays() {
        let mut ending = ending();
        ending.ask(KilledBy::Cancel, Duration::from_secs(5), at(10));
        assert_eq!((ending.due(at(10)), ending.next()), (Due::Term, at(15)));
        ending.ask(KilledBy::Drain, Duration::from_secs(60), at(11));
        assert_eq!(ending.next(), at(15));
        ending.ask(KilledBy::Drain, Duration::ZERO, at(12));
        assert_eq!(ending.due(at(12)), Due::Kill);
        assert_eq!(ending.cause(), Some(KilledBy::Cancel));
    }

    #[test]
    fn no_grace_means_no_term() {
        let mut ending = ending();
        ending.ask(KilledBy::Cancel, Duration::ZERO, at(10));
        assert_eq!(ending.due(at(10)), Due::Kill);
        assert_eq!(ending.cause(), None, "it ended by itself");
        ending.signalled();
        assert_eq!(ending.cause(), Some(KilledBy::Cancel));
    }

    #[test]
    fn the_lease_ends_it_unless_renewed() {
        let lease = Lease { limit: at(60), ttl: Duration::from_secs(60) };
        let mut ending = Ending::new(lease, at(1000), Duration::from_secs(30));
        assert_eq!(ending.next(), at(40));
        ending.renew(at(70));
        ending.renew(at(65));
        assert_eq!((ending.due(at(40)), ending.next()), (Due::Nothing, at(50)));
        assert_eq!((ending.due(at(50)), ending.next()), (Due::Term, at(60)));
        assert_eq!(ending.due(at(60)), Due::Kill);
        assert_eq!(ending.cause(), Some(KilledBy::Lease));
    }

    #[test]
    fn a_long_grace_ends_with_the_lease() {
        let mut ending = ending();
        ending.ask(KilledBy::Cancel, Duration::from_secs(3600), at(10));
        assert_eq!((ending.due(at(10)), ending.next()), (Due::Term, at(150)));
        assert_eq!(ending.due(at(150)), Due::Kill);
        assert_eq!(ending.cause(), Some(KilledBy::Cancel));
    }
}
