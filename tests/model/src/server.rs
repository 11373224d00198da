//! A Redis: the records, and the functions on them, each as the `.lua` of its name does it.

use crate::{
    nonce::{Nonce, Nonces},
    record::{Job, JobState, Outcome, Record},
    rules::{JOBS, Mutant, Rules},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Server {
    pub(crate) records: [Record; JOBS as usize],
    /// Ticks until leases may be taken.
    pub(crate) hold: u8,
    /// Ticks until claims may be given.
    pub(crate) hold_claims: u8,
    /// `released:<nonce>`.
    pub(crate) released: Nonces,
}

/// What a heartbeat says of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Verdict {
    Ok,
    Cancel,
    Lost,
}

/// Whether an end was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finished {
    Done,
    /// `already` or `fenced`: nothing was written.
    Refused,
}

impl Server {
    pub(crate) fn empty() -> Self {
        Self { records: [Record::ABSENT; JOBS as usize], hold: 0, hold_claims: 0, released: Nonces::default() }
    }

    pub(crate) fn record(&self, job: Job) -> &Record {
        &self.records[usize::from(job)]
    }

    fn record_mut(&mut self, job: Job) -> &mut Record {
        &mut self.records[usize::from(job)]
    }

    pub(crate) fn submit(&mut self, job: Job) {
        let record = self.record_mut(job);
        if record.state == JobState::Absent {
            record.enqueue();
        }
    }

    pub(crate) fn cancel(&mut self, job: Job) {
        let record = self.record_mut(job);
        match record.state {
            JobState::Queued => record.conclude(JobState::Cancelled),
            JobState::Running => record.cancel = true,
            JobState::Absent | JobState::Succeeded | JobState::Failed | JobState::Lost | JobState::Cancelled => {}
        }
    }

    /// The job that runs under a nonce.
    fn held_by(&self, nonce: Nonce) -> Option<Job> {
        let held = |job: &Job| self.record(*job).fence == Some(nonce);
        (0..JOBS).find(held)
    }

    pub(crate) fn claim(&mut self, nonce: Nonce, rules: &Rules) -> Option<Job> {
        if let Some(job) = self.held_by(nonce) {
            self.record_mut(job).lease = Some(rules.ttl);
            return Some(job);
        }
        if self.released.has(nonce) || self.hold_claims > 0 {
            return None;
        }
        // A cancel empties the queue of its job by itself, so that a head is never to be skipped.
        let job = (0..JOBS).find(|job| self.record(*job).queued)?;
        self.record_mut(job).grant(nonce, rules.ttl);
        Some(job)
    }

    pub(crate) fn heartbeat(&mut self, job: Job, nonce: Nonce, ttl: u8) -> Verdict {
        let record = self.record_mut(job);
        if record.fence != Some(nonce) {
            return Verdict::Lost;
        }
        record.lease = Some(ttl);
        if record.cancel { Verdict::Cancel } else { Verdict::Ok }
    }

    pub(crate) fn finish(&mut self, job: Job, nonce: Nonce, outcome: Outcome, rules: &Rules) -> Finished {
        let record = self.record_mut(job);
        let ours = record.fence == Some(nonce) || rules.is(Mutant::NoFenceCheck);
        if record.state != JobState::Running || !ours {
            return Finished::Refused;
        }
        record.finish(outcome);
        Finished::Done
    }

    pub(crate) fn release(&mut self, nonce: Nonce, rules: &Rules) {
        if !rules.is(Mutant::NoReleaseMark) {
            self.released.add(nonce);
        }
        if let Some(job) = self.held_by(nonce) {
            self.record_mut(job).requeue();
        }
    }

    /// Its worker is known to be dead with all its processes.
    pub(crate) fn recover(&mut self, nonce: Nonce) {
        if let Some(job) = self.held_by(nonce) {
            self.record_mut(job).lose();
        }
    }

    pub(crate) fn work_waits(&self) -> bool {
        self.records.iter().any(|record| record.queued)
    }

    /// Whether a sweep would take a lease.
    pub(crate) fn has_expired_lease(&self) -> bool {
        self.hold == 0 && self.records.iter().any(|record| record.lease == Some(0))
    }

    pub(crate) fn sweep(&mut self) {
        if self.hold > 0 {
            return;
        }
        for record in self.records.iter_mut().filter(|record| record.lease == Some(0)) {
            record.lose();
        }
    }

    /// Its clock jumps ahead, which the next sweep notices: no lease is taken for one ttl.
    pub(crate) fn jump(&mut self, rules: &Rules) {
        for record in self.records.iter_mut().filter(|record| record.lease.is_some()) {
            record.lease = Some(0);
        }
        self.hold = if rules.is(Mutant::NoHoldOff) { 0 } else { rules.ttl };
    }

    /// A replica becomes a primary, which the next function notices: no lease is taken for one ttl, and unless replicas are
    /// waited for no claim is given.
    pub(crate) fn promoted(self, rules: &Rules) -> Self {
        let hold_claims = if rules.waits() || rules.is(Mutant::NoClaimHoldOff) { 0 } else { rules.ttl };
        Self { hold: rules.ttl, hold_claims, ..self }
    }

    pub(crate) fn tick(&mut self) {
        self.hold = self.hold.saturating_sub(1);
        self.hold_claims = self.hold_claims.saturating_sub(1);
        self.records.iter_mut().for_each(Record::tick);
    }

    pub(crate) fn mirrored(self) -> Self {
        Self { records: self.records.map(Record::mirrored), released: self.released.mirrored(), ..self }
    }
}
