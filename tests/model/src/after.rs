//! What becomes of the world by a step.

use crate::{
    nonce::Nonce,
    record::Outcome,
    rules::Rules,
    server::{Finished, Verdict},
    slot::{Cause, Slot},
    step::{Exit, Step, Wire},
    worker::{Beat, Call, Daemon, Request, Seat},
    world::{At, World},
};

struct Answer {
    job: Option<u8>,
    verdict: Verdict,
}

impl World {
    /// The world after a step that was on offer.
    pub(crate) fn after(mut self, step: Step, rules: &Rules) -> Self {
        self.take(step, rules);
        self.tidy();
        self
    }

    fn take(&mut self, step: Step, rules: &Rules) {
        match step {
            Step::Tick => self.tick(rules),
            Step::Submit(job) => self.submit(job, rules),
            Step::Cancel(job) => {
                self.left.cancels -= 1;
                let waits = self.primary.record(job).queued;
                self.on(At::Primary, rules, |server| server.cancel(job));
                // Answered, as a submission is, once replicas have it.
                self.seen.cancelled[usize::from(job)] |= waits && self.keeps(At::Primary, rules);
            }
            Step::Sweep(at) => {
                self.on(at, rules, |server| server.sweep());
            }
            Step::Claim(at) => {
                let nonce = self.fresh_nonce(at);
                self.workers[at].seat = Seat::Claiming { nonce, age: 0 };
                self.ask(at, Request::Claim(nonce), rules);
            }
            Step::Send(at) => {
                if let Some(request) = self.workers[at].next_request() {
                    self.ask(at, request, rules);
                }
            }
            Step::Beat(at) => self.beat(at, rules),
            Step::Hear(at) => self.workers[at].hear(rules),
            Step::HearBeat(at) => self.workers[at].hear_beat(rules),
            Step::Start(at) => self.workers[at].start(rules),
            Step::Exec(at) => {
                self.workers[at].slot.exec();
                self.started(self.workers[at].slot);
            }
            Step::ExecOrphan(at) => {
                self.workers[at].orphan.exec();
                self.started(self.workers[at].orphan);
            }
            Step::Exit(at, exit) => {
                let outcome = match exit {
                    Exit::Well => Outcome::Succeeded,
                    Exit::Badly => Outcome::Failed,
                };
                self.workers[at].slot = Slot::Ended { outcome };
            }
            Step::Kill(at) => self.workers[at].slot.kill(),
            Step::Bury(at) => self.workers[at].bury(),
            Step::Collect(at) => self.workers[at].collect(),
            Step::KillOrphan(at) => self.workers[at].orphan = Slot::Empty,
            Step::Arrive(at, server) => {
                if let Some(request) = self.workers[at].late.take() {
                    self.serve(request, server, rules);
                }
            }
            Step::Delay(at, wire) => {
                self.left.unanswered -= 1;
                let request = self.on_the_wire(at, wire, rules);
                self.workers[at].late = request;
                self.unanswered(at, wire, request, rules);
            }
            Step::Lose(at, wire) => {
                self.left.unanswered -= 1;
                self.unanswered(at, wire, None, rules);
            }
            Step::Crash(at, wire) => {
                self.left.crashes -= 1;
                let request = wire.and_then(|wire| self.on_the_wire(at, wire, rules));
                let worker = &mut self.workers[at];
                worker.late = worker.late.or(request);
                worker.crash();
            }
            Step::Restart(at) => self.workers[at].daemon = Daemon::Up,
            Step::Recover(at) => {
                for nonce in self.left_behind(at) {
                    self.on(At::Primary, rules, |server| server.recover(nonce));
                }
            }
            Step::KillSlot(at) => {
                self.left.slot_deaths -= 1;
                self.workers[at].stopped = None;
                self.workers[at].slot.order(Cause::SlotDied);
            }
            Step::Pause(at) => {
                self.left.pauses -= 1;
                self.workers[at].daemon = Daemon::Paused(0);
            }
            Step::Resume(at) => self.workers[at].daemon = Daemon::Up,
            Step::Stop(at) => {
                self.left.stops -= 1;
                self.workers[at].stopped = Some(0);
            }
            Step::Continue(at) => self.workers[at].stopped = None,
            Step::Freeze(at) => {
                self.left.freezes -= 1;
                self.workers[at].frozen = true;
            }
            Step::Thaw(at) => self.workers[at].frozen = false,
            Step::Cut(at) => {
                self.left.cuts -= 1;
                self.workers[at].cut = Some(0);
            }
            Step::Heal(at) => self.workers[at].cut = None,
            Step::Jump => {
                self.left.jumps -= 1;
                self.primary.jump(rules);
            }
            Step::FallBehind => {
                self.left.failovers -= 1;
                self.replica = Some(self.primary);
            }
            Step::Promote => self.promote(rules),
            Step::Follow(at) => self.workers[at].behind = false,
        }
    }

    /// A command arrives, and its answer is on its way.
    fn ask(&mut self, at: usize, request: Request, rules: &Rules) {
        let server = self.server_of(at);
        let kept = self.keeps(server, rules);
        let job = self.serve(request, server, rules).job;
        self.workers[at].call = Call::Answered { job, kept };
    }

    fn beat(&mut self, at: usize, rules: &Rules) {
        let Some(claim) = self.workers[at].next_renewal() else { return };
        let server = self.server_of(at);
        let kept = self.keeps(server, rules);
        let verdict = self.serve(Request::Beat(claim), server, rules).verdict;
        self.workers[at].beat = Beat::Answered { claim, age: 0, verdict, kept };
    }

    fn serve(&mut self, request: Request, at: At, rules: &Rules) -> Answer {
        let mut answer = Answer { job: None, verdict: Verdict::Ok };
        match request {
            Request::Claim(nonce) => answer.job = self.on(at, rules, |server| server.claim(nonce, rules)).flatten(),
            Request::Release(nonce) => {
                self.on(at, rules, |server| server.release(nonce, rules));
            }
            Request::Finish(claim, outcome) => {
                match self.on(at, rules, |server| server.finish(claim.job, claim.nonce, outcome, rules)) {
                    Some(Finished::Done) => {
                        self.seen.stale_end |= self.keeps(at, rules) && self.seen.superseded.has(claim.nonce);
                    }
                    Some(Finished::Refused) | None => {}
                }
            }
            Request::Beat(claim) => {
                let verdict = self.on(at, rules, |server| server.heartbeat(claim.job, claim.nonce, rules.ttl));
                answer.verdict = verdict.unwrap_or(Verdict::Ok);
            }
        }
        answer
    }

    /// What a daemon may have sent just now.
    pub(crate) fn on_the_wire(&self, at: usize, wire: Wire, rules: &Rules) -> Option<Request> {
        let worker = &self.workers[at];
        match wire {
            Wire::Command if !worker.up() => None,
            Wire::Command if self.may_claim(at, rules) => Some(Request::Claim(self.fresh_nonce(at))),
            Wire::Command => worker.next_request(),
            Wire::Heartbeat => worker.next_renewal().map(Request::Beat),
        }
    }

    fn unanswered(&mut self, at: usize, wire: Wire, request: Option<Request>, rules: &Rules) {
        let worker = &mut self.workers[at];
        match wire {
            Wire::Command => worker.give_up(request),
            Wire::Heartbeat => worker.beat = Beat::None { sent: rules.prompt() },
        }
    }

    fn started(&mut self, slot: Slot) {
        if let Some(claim) = slot.claim() {
            self.seen.cancel_in_vain |= self.seen.cancelled[usize::from(claim.job)];
            self.supersede(claim.job, claim.nonce);
        }
    }

    /// Nonces under which jobs run for a worker's daemon that has died.
    pub(crate) fn left_behind(&self, at: usize) -> Vec<Nonce> {
        let fences = self.primary.records.iter().filter_map(|record| record.fence);
        fences.filter(|nonce| nonce.worker() == at).collect()
    }
}
