//! What a daemon does with what it hears.

use crate::{
    record::Outcome,
    rules::{Mutant, Rules},
    server::Verdict,
    slot::{Cause, Claim, Slot},
    worker::{Beat, Call, Daemon, Request, Seat, Worker},
};

impl Worker {
    /// The answer to its command.
    pub(crate) fn hear(&mut self, rules: &Rules) {
        let Call::Answered { job, kept } = self.call else { return };
        self.call = Call::None;
        match (self.seat, job) {
            (Seat::Claiming { nonce, age }, Some(job)) if kept => {
                self.seat = Seat::Held { claim: Claim { job, nonce }, left: left_of(age, rules) };
            }
            (Seat::Claiming { nonce, .. }, Some(_)) => self.seat = Seat::Releasing { nonce },
            (Seat::Claiming { .. }, None) | (Seat::Releasing { .. }, _) => {
                self.seat = Seat::Idle { looked: rules.prompt() };
            }
            (Seat::Finishing { .. }, _) if kept => self.seat = Seat::Idle { looked: false },
            (Seat::Finishing { .. }, _) => self.call = Call::Later,
            (Seat::Idle { .. } | Seat::Held { .. } | Seat::Running { .. }, _) => {}
        }
    }

    /// The answer to its heartbeat.
    pub(crate) fn hear_beat(&mut self, rules: &Rules) {
        let Beat::Answered { claim, age, verdict, kept } = self.beat else { return };
        self.beat = Beat::None { sent: rules.prompt() };
        // An answer that is not replicated counts as none.
        if self.holds() != Some(claim) || !kept {
            return;
        }
        match (&mut self.seat, verdict) {
            // The limit of the claim is the shorter one.
            (Seat::Held { .. }, Verdict::Ok) => {}
            (Seat::Held { .. }, Verdict::Cancel) => self.end(claim, Outcome::Cancelled),
            (Seat::Held { .. }, Verdict::Lost) => self.seat = Seat::Idle { looked: false },
            (Seat::Running { .. }, Verdict::Ok | Verdict::Cancel) => {
                self.slot.renew(left_of(age, rules));
                if verdict == Verdict::Cancel {
                    self.slot.order(Cause::Cancel);
                }
            }
            (Seat::Running { lost, .. }, Verdict::Lost) => {
                *lost = true;
                self.slot.order(Cause::Lost);
            }
            (Seat::Idle { .. } | Seat::Claiming { .. } | Seat::Releasing { .. } | Seat::Finishing { .. }, _) => {}
        }
    }

    /// Tells the slot to start, which looks at the lease first.
    pub(crate) fn start(&mut self, rules: &Rules) {
        let Seat::Held { claim, left } = self.seat else { return };
        if left >= rules.gate() || rules.is(Mutant::NoStartGate) {
            self.slot = Slot::Launching { claim, left, kill: None, late: false };
            self.seat = Seat::Running { claim, lost: false };
        } else {
            self.end(claim, Outcome::Drained);
        }
    }

    /// Hears from its slot how the job ended.
    pub(crate) fn collect(&mut self) {
        let (Seat::Running { claim, lost }, Slot::Ended { outcome }) = (self.seat, self.slot) else { return };
        self.slot = Slot::Empty;
        if lost { self.seat = Seat::Idle { looked: false } } else { self.end(claim, outcome) }
    }

    fn end(&mut self, claim: Claim, outcome: Outcome) {
        (self.seat, self.call) = (Seat::Finishing { claim, outcome }, Call::None);
    }

    /// There will be no answer to its command, which may have been `request`: a claim is released, an end is sent again.
    pub(crate) fn give_up(&mut self, request: Option<Request>) {
        self.call = Call::None;
        match (self.seat, request) {
            (Seat::Claiming { nonce, .. }, _) | (Seat::Idle { .. }, Some(Request::Claim(nonce))) => {
                self.seat = Seat::Releasing { nonce };
            }
            (Seat::Idle { .. } | Seat::Releasing { .. } | Seat::Held { .. } | Seat::Running { .. }, _)
            | (Seat::Finishing { .. }, _) => {}
        }
    }

    /// The daemon is killed; its slot sees that and ends the job.
    pub(crate) fn crash(&mut self) {
        self.slot.order(Cause::Lost);
        let orphan = if self.slot.claim().is_some() { self.slot } else { Slot::Empty };
        *self = Self { daemon: Daemon::Down, cut: self.cut, behind: self.behind, late: self.late, orphan, ..Self::NEW };
    }

    /// The daemon ends a slot that has missed its time; another one takes its place.
    pub(crate) fn bury(&mut self) {
        self.slot.kill();
        self.stopped = None;
    }
}

/// Ticks until L, of an answer to what was sent `age` ticks ago.
fn left_of(age: u8, rules: &Rules) -> u8 {
    if rules.is(Mutant::LimitFromAnswer) { rules.ttl } else { rules.ttl.saturating_sub(age) }
}
