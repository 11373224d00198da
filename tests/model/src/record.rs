//! A job's record and where the job stands in the indexes, as record.lua moves it.

use crate::{nonce::Nonce, rules::LOST_RETRIES};

/// A job, by number.
pub(crate) type Job = u8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum JobState {
    /// Not submitted yet.
    Absent,
    Queued,
    Running,
    Succeeded,
    Failed,
    /// `failed`, for it was lost with its worker too often.
    Lost,
    Cancelled,
}

/// How an attempt ended, as a worker reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outcome {
    Succeeded,
    Failed,
    Cancelled,
    /// Its worker gave it up.
    Drained,
    /// Its slot died under it.
    Lost,
}

/// A fence is its nonce alone, and is forgotten when the job no longer runs: the functions keep it to tell `already` from
/// `fenced`, which a worker takes alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Record {
    pub(crate) state: JobState,
    /// In `queue:<task>`.
    pub(crate) queued: bool,
    /// In `leases`: ticks until its score.
    pub(crate) lease: Option<u8>,
    /// In `finished:<state>`.
    pub(crate) finished: bool,
    pub(crate) fence: Option<Nonce>,
    /// Attempts lost.
    pub(crate) lost: u8,
    /// `cancel:<id>` is set.
    pub(crate) cancel: bool,
}

impl JobState {
    pub(crate) fn ended(self) -> bool {
        match self {
            Self::Absent | Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Lost | Self::Cancelled => true,
        }
    }
}

impl Record {
    pub(crate) const ABSENT: Self = Self {
        state: JobState::Absent,
        queued: false,
        lease: None,
        finished: false,
        fence: None,
        lost: 0,
        cancel: false,
    };

    /// Into its queue, from nowhere or from running.
    pub(crate) fn enqueue(&mut self) {
        self.queued = true;
        self.state = JobState::Queued;
        (self.lease, self.fence) = (None, None);
    }

    pub(crate) fn grant(&mut self, nonce: Nonce, ttl: u8) {
        (self.lease, self.fence) = (Some(ttl), Some(nonce));
        self.state = JobState::Running;
        self.queued = false;
    }

    pub(crate) fn conclude(&mut self, state: JobState) {
        *self = Self { state, finished: true, ..Self::ABSENT };
    }

    /// Back into the queue without a charge, unless it is to be cancelled.
    pub(crate) fn requeue(&mut self) {
        if self.cancel { self.conclude(JobState::Cancelled) } else { self.enqueue() }
    }

    /// Its attempt is lost.
    pub(crate) fn lose(&mut self) {
        self.lost += 1;
        if self.lost > LOST_RETRIES && !self.cancel { self.conclude(JobState::Lost) } else { self.requeue() }
    }

    /// The end of its attempt.
    pub(crate) fn finish(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Succeeded => self.conclude(JobState::Succeeded),
            Outcome::Failed if self.cancel => self.conclude(JobState::Cancelled),
            Outcome::Failed => self.conclude(JobState::Failed),
            Outcome::Cancelled => self.conclude(JobState::Cancelled),
            Outcome::Drained => self.requeue(),
            Outcome::Lost => self.lose(),
        }
    }

    /// Whether it stands in exactly one of queued, running and finished, the one that its state names.
    pub(crate) fn stands_once(&self) -> bool {
        let running = self.lease.is_some();
        let places = (self.queued, running, self.finished);
        match self.state {
            JobState::Absent => false,
            JobState::Queued => places == (true, false, false),
            JobState::Running => places == (false, true, false) && self.fence.is_some(),
            JobState::Succeeded | JobState::Failed | JobState::Lost | JobState::Cancelled => {
                places == (false, false, true)
            }
        }
    }

    pub(crate) fn tick(&mut self) {
        self.lease = self.lease.map(|left| left.saturating_sub(1));
    }

    pub(crate) fn mirrored(self) -> Self {
        Self { fence: self.fence.map(Nonce::mirrored), ..self }
    }
}
