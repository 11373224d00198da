//! The six states of a job and who moves it from one to another.
//!
//! ```text
//!              submit                    claim                    finish
//!  (client) ----------> queued --------------------> running ------------> succeeded | failed | cancelled
//!     |                   ^  |                        |  |
//!     | delay             |  | cancel -> cancelled    |  | own failure, retries left: backoff
//!     v         due       |  | expires -> failed      |  v
//!  scheduled -------------+  +                        | scheduled
//!     |  cancel -> cancelled, expires -> failed       +--> queued   drained, released, or lease lost
//! ```

use std::{fmt, str::FromStr};

/// Where a job stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum State {
    /// Waits for its time: delayed by the client or backing off after a failure. `sweep` or `claim` moves it on, or `change`.
    Scheduled,
    /// Waits for a worker in its task's queue. `claim` moves it on, or `cancel`, or `sweep` when it expired, or `change`.
    Queued,
    /// A worker holds its lease. `finish` moves it on, or `sweep` when the lease ran out.
    Running,
    /// Ended well. Terminal.
    Succeeded,
    /// Ended badly; the record's `error.kind` says how. Terminal.
    Failed,
    /// Ended because somebody asked. Terminal.
    Cancelled,
}

/// What moves a job from one state to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// A delay or a backoff is over, or somebody ended it.
    Due,
    /// Somebody gave a waiting job a later time.
    Postpone,
    /// A worker took it.
    Claim,
    /// A cancel was asked while no process existed for it.
    Cancel,
    /// It had not started by its `expires`.
    Expire,
    /// The attempt ended with exit 0.
    Success,
    /// The attempt ended badly and no retry is left.
    Failure,
    /// The attempt ended badly and a retry is left.
    Retry,
    /// The attempt ended and a cancel had been asked.
    Cancelled,
    /// The worker gave the job back unharmed: drained, or never started.
    GiveBack,
    /// The lease ran out and lost runs are left.
    Lost,
    /// The lease ran out once too often.
    LostForGood,
}

impl State {
    /// All states, in the order that lists show them.
    pub const ALL: [Self; 6] =
        [Self::Running, Self::Queued, Self::Scheduled, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// The word in records, keys and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// No trigger leads out of a terminal state.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// The transition table: the state after `trigger`, or `None` when it cannot happen here.
    #[must_use]
    pub const fn after(self, trigger: Trigger) -> Option<Self> {
        match (self, trigger) {
            (Self::Scheduled, Trigger::Due) => Some(Self::Queued),
            (Self::Scheduled | Self::Queued, Trigger::Postpone) => Some(Self::Scheduled),
            (Self::Scheduled | Self::Queued, Trigger::Cancel) => Some(Self::Cancelled),
            (Self::Scheduled | Self::Queued, Trigger::Expire) => Some(Self::Failed),
            (Self::Queued, Trigger::Claim) => Some(Self::Running),
            (Self::Running, Trigger::Success) => Some(Self::Succeeded),
            (Self::Running, Trigger::Failure | Trigger::LostForGood) => Some(Self::Failed),
            (Self::Running, Trigger::Retry) => Some(Self::Scheduled),
            (Self::Running, Trigger::Cancelled) => Some(Self::Cancelled),
            (Self::Running, Trigger::GiveBack | Trigger::Lost) => Some(Self::Queued),
            (
                Self::Scheduled | Self::Queued | Self::Running | Self::Succeeded | Self::Failed | Self::Cancelled,
                Trigger::Due
                | Trigger::Postpone
                | Trigger::Claim
                | Trigger::Cancel
                | Trigger::Expire
                | Trigger::Success
                | Trigger::Failure
                | Trigger::Retry
                | Trigger::Cancelled
                | Trigger::GiveBack
                | Trigger::Lost
                | Trigger::LostForGood,
            ) => None,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            format!("`{text}` is not a state: use running, queued, scheduled, succeeded, failed or cancelled")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIGGERS: [Trigger; 12] = [
        Trigger::Due,
        Trigger::Postpone,
        Trigger::Claim,
        Trigger::Cancel,
        Trigger::Expire,
        Trigger::Success,
        Trigger::Failure,
        Trigger::Retry,
        Trigger::Cancelled,
        Trigger::GiveBack,
        Trigger::Lost,
        Trigger::LostForGood,
    ];

    #[test]
    fn nothing_leaves_a_terminal_state_and_everything_else_can_end() {
        for state in State::ALL {
            let next: Vec<State> = TRIGGERS.iter().filter_map(|&trigger| state.after(trigger)).collect();
            assert_eq!(state.is_terminal(), next.is_empty(), "{state}");
        }
        for start in [State::Scheduled, State::Queued, State::Running] {
            let mut reached = vec![start];
            let mut at = 0;
            while at < reached.len() {
                for trigger in TRIGGERS {
                    if let Some(next) = reached[at].after(trigger)
                        && !reached.contains(&next)
                    {
                        reached.push(next);
                    }
                }
                at += 1;
            }
            assert_eq!(reached.iter().filter(|state| state.is_terminal()).count(), 3, "{start}");
        }
    }

    #[test]
    fn only_a_claim_starts_a_run() {
        for state in State::ALL {
            for trigger in TRIGGERS {
                if state.after(trigger) == Some(State::Running) {
                    assert_eq!((state, trigger), (State::Queued, Trigger::Claim));
                }
            }
        }
    }

    #[test]
    fn words_read_back() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("done".parse::<State>().is_err());
    }
}
