//! What may happen next.

use crate::{
    record::JobState,
    rules::{JOBS, Jobs, Mutant, Rules, WORKERS},
    slot::Slot,
    step::{Exit, Step, Wire},
    worker::{Daemon, Seat, Worker},
    world::{At, World},
};

impl World {
    /// All that may happen next.
    pub(crate) fn offer(&self, rules: &Rules, steps: &mut Vec<Step>) {
        if rules.horizon().is_some_and(|horizon| self.now >= horizon || self.all_ended()) {
            return;
        }
        // What a daemon does with what it has before it concerns nobody else, so the others' steps may as well come before or after.
        let busy = self.workers.iter().position(Worker::has_news).filter(|_| rules.prompt() && !rules.every_order);
        if let Some(at) = busy {
            self.news(at, steps);
            self.faults(at, rules, steps);
            return;
        }
        if self.may_tick(rules) {
            steps.push(Step::Tick);
        }
        self.clients(rules, steps);
        self.servers(steps);
        for at in 0..WORKERS {
            let worker = &self.workers[at];
            if !worker.frozen {
                slots(at, worker, rules, steps);
                self.daemon(at, rules, steps);
            }
            if worker.late.is_some() {
                steps.push(Step::Arrive(at, At::Primary));
                if self.former.is_some() {
                    steps.push(Step::Arrive(at, At::Former));
                }
            }
            if worker.behind {
                steps.push(Step::Follow(at));
            }
            self.faults(at, rules, steps);
        }
    }

    fn may_tick(&self, rules: &Rules) -> bool {
        if !self.workers.iter().all(|worker| worker.slots_rest(rules)) {
            return false;
        }
        let overdue = rules.prompt()
            && (self.primary.has_expired_lease() || self.workers.iter().any(|worker| self.must_act(worker, rules)));
        !overdue
    }

    /// Whether a worker has to do something in this tick, where all is prompt.
    fn must_act(&self, worker: &Worker, rules: &Rules) -> bool {
        if worker.frozen {
            return false;
        }
        let sends = worker.up()
            && ((worker.may_claim() && self.primary.work_waits())
                || worker.next_request().is_some()
                || worker.next_renewal().is_some());
        let too_long = rules.longest_fault().is_some_and(|longest| {
            worker.daemon == Daemon::Paused(longest) || worker.cut == Some(longest) || worker.stopped == Some(longest)
        });
        worker.has_news() || (sends && worker.reaches_redis()) || may_bury(worker, rules) || too_long
    }

    fn clients(&self, rules: &Rules, steps: &mut Vec<Step>) {
        for job in 0..JOBS {
            let record = self.primary.record(job);
            let absent = record.state == JobState::Absent;
            let answered = self.seen.acknowledged[usize::from(job)];
            let later = job == 0 || rules.jobs != Jobs::One;
            if later && !answered && (absent || self.keeps(At::Primary, rules)) {
                steps.push(Step::Submit(job));
            }
            if self.left.cancels > 0 && !absent && !record.state.ended() && !record.cancel {
                steps.push(Step::Cancel(job));
            }
        }
    }

    fn servers(&self, steps: &mut Vec<Step>) {
        if self.primary.has_expired_lease() {
            steps.push(Step::Sweep(At::Primary));
        }
        if self.former.is_some_and(|former| former.has_expired_lease()) {
            steps.push(Step::Sweep(At::Former));
        }
        if self.left.jumps > 0 && self.primary.records.iter().any(|record| record.lease.is_some()) {
            steps.push(Step::Jump);
        }
        if self.replica.is_some() {
            steps.push(Step::Promote);
        } else if self.left.failovers > 0 {
            steps.push(Step::FallBehind);
        }
    }

    /// Whether a worker may ask for a job: a prompt one hears when there is one, another looks at any time.
    pub(crate) fn may_claim(&self, at: usize, rules: &Rules) -> bool {
        let worth_it = if rules.prompt() { self.primary.work_waits() } else { !self.all_ended() };
        worth_it && self.workers[at].may_claim()
    }

    /// What lies before a daemon.
    fn news(&self, at: usize, steps: &mut Vec<Step>) {
        let worker = &self.workers[at];
        if worker.reaches_redis() && worker.has_answer() {
            steps.push(Step::Hear(at));
        }
        if worker.reaches_redis() && worker.has_verdict() {
            steps.push(Step::HearBeat(at));
        }
        match worker.seat {
            Seat::Held { .. } => steps.push(Step::Start(at)),
            Seat::Idle { .. }
            | Seat::Claiming { .. }
            | Seat::Releasing { .. }
            | Seat::Running { .. }
            | Seat::Finishing { .. } => {}
        }
        match worker.slot {
            Slot::Ended { .. } => steps.push(Step::Collect(at)),
            Slot::Empty | Slot::Launching { .. } | Slot::Alive { .. } => {}
        }
    }

    fn daemon(&self, at: usize, rules: &Rules, steps: &mut Vec<Step>) {
        let worker = &self.workers[at];
        if !worker.up() {
            return;
        }
        self.news(at, steps);
        if may_bury(worker, rules) {
            steps.push(Step::Bury(at));
        }
        if !worker.reaches_redis() {
            return;
        }
        if worker.next_request().is_some() {
            steps.push(Step::Send(at));
        }
        if worker.next_renewal().is_some() {
            steps.push(Step::Beat(at));
        }
        if self.may_claim(at, rules) {
            steps.push(Step::Claim(at));
        }
    }

    /// Faults of a worker, and their ends.
    fn faults(&self, at: usize, rules: &Rules, steps: &mut Vec<Step>) {
        let worker = &self.workers[at];
        if worker.frozen {
            steps.push(Step::Thaw(at));
            return;
        }
        let left = &self.left;
        let busy = worker.slot.claim().is_some();
        let mut fault = |budget: u8, possible: bool, step: Step| {
            if budget > 0 && possible {
                steps.push(step);
            }
        };
        let (up, alive) = (worker.daemon == Daemon::Up, worker.daemon != Daemon::Down);
        for wire in [Wire::Command, Wire::Heartbeat] {
            let sends = worker.late.is_none() && self.on_the_wire(at, wire, rules).is_some();
            let answered = match wire {
                Wire::Command => worker.has_answer(),
                Wire::Heartbeat => worker.has_verdict(),
            };
            fault(left.unanswered, up && sends, Step::Delay(at, wire));
            fault(left.unanswered, up && answered, Step::Lose(at, wire));
            fault(left.crashes, up && sends && worker.orphan == Slot::Empty, Step::Crash(at, Some(wire)));
        }
        fault(left.crashes, alive && worker.orphan == Slot::Empty, Step::Crash(at, None));
        fault(left.slot_deaths, busy, Step::KillSlot(at));
        // Daemon and slot stopped at once are beyond what is promised: that is what `freezes` are for.
        fault(left.pauses, up && worker.stopped.is_none(), Step::Pause(at));
        fault(left.stops, up && busy && worker.stopped.is_none(), Step::Stop(at));
        fault(left.freezes, up, Step::Freeze(at));
        fault(left.cuts, worker.cut.is_none(), Step::Cut(at));
        let mut over = |ends: bool, step: Step| {
            if ends {
                steps.push(step);
            }
        };
        over(worker.cut.is_some(), Step::Heal(at));
        over(worker.stopped.is_some(), Step::Continue(at));
        match worker.daemon {
            Daemon::Up => {}
            Daemon::Paused(_) => over(true, Step::Resume(at)),
            Daemon::Down => {
                let proven = worker.orphan == Slot::Empty || rules.is(Mutant::NoProofOfDeath);
                let reaches = worker.reaches_redis() && !worker.behind;
                over(true, Step::Restart(at));
                over(proven && reaches && !self.left_behind(at).is_empty(), Step::Recover(at));
            }
        }
    }
}

/// What the slots of a worker may do.
fn slots(at: usize, worker: &Worker, rules: &Rules, steps: &mut Vec<Step>) {
    if worker.stopped.is_none() {
        match worker.slot {
            Slot::Launching { .. } => steps.push(Step::Exec(at)),
            Slot::Empty | Slot::Alive { .. } | Slot::Ended { .. } => {}
        }
        if worker.slot.may_exit() {
            steps.push(Step::Exit(at, Exit::Well));
            // The two differ only where a cancel turns the one into something else.
            if rules.faults.cancels > 0 {
                steps.push(Step::Exit(at, Exit::Badly));
            }
        }
        if worker.slot.may_kill(rules) {
            steps.push(Step::Kill(at));
        }
    }
    match worker.orphan {
        Slot::Empty | Slot::Ended { .. } => {}
        Slot::Launching { .. } => steps.push(Step::ExecOrphan(at)),
        Slot::Alive { .. } => steps.push(Step::KillOrphan(at)),
    }
}

/// Whether the daemon may end its slot: it keeps the same times, and the slot has missed the last of them.
fn may_bury(worker: &Worker, rules: &Rules) -> bool {
    worker.up() && worker.stopped.is_some() && worker.slot.overdue(rules) && !rules.is(Mutant::NoSecondGuard)
}
