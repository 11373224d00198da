//! Everything at one moment: servers, workers, and what was seen from outside.

use crate::{
    nonce::{Nonce, Nonces},
    record::{Job, JobState},
    rules::{Faults, JOBS, Jobs, Rules, WORKERS},
    server::Server,
    worker::{Beat, Request, Seat, Worker},
};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The primary.
    Primary,
    /// The primary of before the failover.
    Former,
}

/// What was seen from outside, which no failover undoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Seen {
    /// The submission was answered.
    pub(crate) acknowledged: [bool; JOBS as usize],
    /// The end that was written and, with `wait_replicas`, replicated.
    pub(crate) end: [Option<JobState>; JOBS as usize],
    /// An end was written where there was one.
    pub(crate) second_end: bool,
    /// An end that could be read was undone.
    pub(crate) undone: bool,
    /// A cancel was answered while the job waited.
    pub(crate) cancelled: [bool; JOBS as usize],
    /// Such a job was started.
    pub(crate) cancel_in_vain: bool,
    /// Attempts after which the job was started again.
    pub(crate) superseded: Nonces,
    /// An end was taken from one of those.
    pub(crate) stale_end: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct World {
    pub(crate) primary: Server,
    /// The replica, once it has fallen behind; before that it is as the primary.
    pub(crate) replica: Option<Server>,
    /// The primary of before the failover, where it goes on.
    pub(crate) former: Option<Server>,
    pub(crate) workers: [Worker; WORKERS],
    /// What may still go wrong.
    pub(crate) left: Faults,
    pub(crate) seen: Seen,
    /// Ticks so far, where time is bounded.
    pub(crate) now: u8,
}

impl World {
    pub(crate) fn new(rules: &Rules) -> Self {
        let mut world = Self {
            primary: Server::empty(),
            replica: None,
            former: None,
            workers: [Worker::NEW; WORKERS],
            left: rules.faults,
            seen: Seen::default(),
            now: 0,
        };
        world.submit(0, rules);
        match rules.jobs {
            Jobs::One | Jobs::TwoOneLater => {}
            Jobs::Two => world.submit(1, rules),
        }
        world
    }

    /// Whether no failover undoes what a server answers, as far as the asker can know.
    pub(crate) fn keeps(&self, at: At, rules: &Rules) -> bool {
        match at {
            At::Primary => !rules.waits() || self.replica.is_none(),
            At::Former => !rules.waits(),
        }
    }

    /// The server that a worker talks to.
    pub(crate) fn server_of(&self, worker: usize) -> At {
        if self.workers[worker].behind { At::Former } else { At::Primary }
    }

    /// Does something at a server and notes the ends that were written. `None`: there is no such server.
    pub(crate) fn on<T>(&mut self, at: At, rules: &Rules, act: impl FnOnce(&mut Server) -> T) -> Option<T> {
        let keeps = self.keeps(at, rules);
        let server = match at {
            At::Primary => &mut self.primary,
            At::Former => self.former.as_mut()?,
        };
        let before = server.records;
        let answer = act(server);
        for ((was, is), seen) in before.iter().zip(&server.records).zip(&mut self.seen.end) {
            if was.state.ended() {
                self.seen.second_end |= was.state != is.state;
            } else if is.state.ended() && keeps {
                self.seen.second_end |= seen.is_some();
                seen.get_or_insert(is.state);
            }
        }
        Some(answer)
    }

    pub(crate) fn submit(&mut self, job: Job, rules: &Rules) {
        self.on(At::Primary, rules, |server| server.submit(job));
        self.seen.acknowledged[usize::from(job)] |= self.keeps(At::Primary, rules);
    }

    pub(crate) fn promote(&mut self, rules: &Rules) {
        let Some(replica) = self.replica.take() else { return };
        let undone =
            |(was, is): (&crate::record::Record, &crate::record::Record)| was.state.ended() && was.state != is.state;
        self.seen.undone |= self.primary.records.iter().zip(&replica.records).any(undone);
        self.former = rules.splits().then_some(self.primary);
        for worker in &mut self.workers {
            worker.behind = rules.splits();
        }
        self.primary = replica.promoted(rules);
    }

    /// A job has been started: its earlier attempts are superseded.
    pub(crate) fn supersede(&mut self, job: Job, by: Nonce) {
        let current = self.primary.record(job).fence;
        let earlier = self.may_finish().filter(|(of, nonce)| *of == job && *nonce != by && Some(*nonce) != current);
        let mut superseded = self.seen.superseded;
        earlier.for_each(|(_, nonce)| superseded.add(nonce));
        self.seen.superseded = superseded;
    }

    /// The attempts that may still write an end.
    fn may_finish(&self) -> impl Iterator<Item = (Job, Nonce)> {
        self.workers.iter().flat_map(|worker| {
            let late = match worker.late {
                Some(Request::Finish(claim, _)) => Some(claim),
                Some(Request::Claim(_) | Request::Release(_) | Request::Beat(_)) | None => None,
            };
            [worker.holds(), late].into_iter().flatten().map(|claim| (claim.job, claim.nonce))
        })
    }

    /// A nonce that nothing names.
    pub(crate) fn fresh_nonce(&self, worker: usize) -> Nonce {
        let named = self.named();
        Nonce::all_of(worker).find(|nonce| !named.has(*nonce)).expect("fewer things name one than there are")
    }

    fn named(&self) -> Nonces {
        let mut named = self.seen.superseded;
        let servers = [Some(&self.primary), self.replica.as_ref(), self.former.as_ref()];
        for record in servers.into_iter().flatten().flat_map(|server| &server.records) {
            record.fence.into_iter().for_each(|nonce| named.add(nonce));
        }
        for worker in &self.workers {
            match worker.seat {
                Seat::Claiming { nonce, .. } | Seat::Releasing { nonce } => named.add(nonce),
                Seat::Idle { .. } | Seat::Held { .. } | Seat::Running { .. } | Seat::Finishing { .. } => {}
            }
            let beaten = match worker.beat {
                Beat::Answered { claim, .. } => Some(claim),
                Beat::None { .. } => None,
            };
            worker.late.into_iter().for_each(|request| named.add(request.nonce()));
            for claim in [worker.holds(), beaten, worker.slot.claim(), worker.orphan.claim()].into_iter().flatten() {
                named.add(claim.nonce);
            }
        }
        named
    }

    /// Forgets what can no longer matter, so that worlds with the same future are the same.
    pub(crate) fn tidy(&mut self) {
        let mut ending = Nonces::default();
        self.may_finish().for_each(|(_, nonce)| ending.add(nonce));
        self.seen.superseded.keep(ending);

        if self.workers.iter().all(|worker| !worker.behind && worker.late.is_none()) {
            self.former = None;
        }
        let mut claiming = Nonces::default();
        for request in self.workers.iter().filter_map(|worker| worker.late) {
            match request {
                Request::Claim(nonce) => claiming.add(nonce),
                Request::Release(_) | Request::Finish(..) | Request::Beat(_) => {}
            }
        }
        for server in [Some(&mut self.primary), self.replica.as_mut(), self.former.as_mut()].into_iter().flatten() {
            server.released.keep(claiming);
        }
    }

    /// One of the two worlds that differ by the workers' names alone.
    pub(crate) fn folded(self) -> Self {
        let [one, other] = self.workers;
        let mut seen = self.seen;
        seen.superseded = seen.superseded.mirrored();
        let mirrored = Self {
            primary: self.primary.mirrored(),
            replica: self.replica.map(Server::mirrored),
            former: self.former.map(Server::mirrored),
            workers: [other.mirrored(), one.mirrored()],
            seen,
            ..self
        };
        self.min(mirrored)
    }

    /// How many copies of a job are alive.
    pub(crate) fn copies(&self, job: Job) -> usize {
        let slots = self.workers.iter().flat_map(|worker| [&worker.slot, &worker.orphan]);
        slots.filter(|slot| slot.runs() == Some(job)).count()
    }

    /// Whether every job that was submitted has ended.
    pub(crate) fn all_ended(&self) -> bool {
        self.primary.records.iter().all(|record| record.state.ended() || record.state == JobState::Absent)
    }

    pub(crate) fn tick(&mut self, rules: &Rules) {
        for server in [Some(&mut self.primary), self.replica.as_mut(), self.former.as_mut()].into_iter().flatten() {
            server.tick();
        }
        self.workers.iter_mut().for_each(|worker| worker.tick(rules));
        self.now += u8::from(rules.horizon().is_some());
    }
}
