//! What may happen.

use proptest::prelude::*;

/// How an attempt is said to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Success,
    Retryable,
    Final,
    Cancelled,
    Drained,
    Lost,
}

/// A claim of `worker` for `slots` jobs of the tasks in `tasks` (bits), by whose definition a job may be lost so often, and which
/// together may take `memory` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) worker: usize,
    pub(crate) slots: usize,
    pub(crate) tasks: u8,
    pub(crate) lost_retries: u32,
    pub(crate) memory: Option<u64>,
}

/// A step. Jobs and claims are meant by number, modulo how many there are; old and foreign ones too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Submit {
        task: usize,
        priority: u8,
        delayed: bool,
        expires: bool,
        retries: Option<u32>,
        /// Wants to be the only live job that does.
        unique: bool,
    },
    SubmitAgain {
        job: usize,
    },
    SubmitFull {
        task: usize,
        max_queued: u64,
    },
    Claim(Wish),
    /// The worker's last claim once more: its reply was lost.
    ClaimAgain {
        worker: usize,
    },
    /// Gives the worker's last claim back.
    Release {
        worker: usize,
    },
    /// Gives back a claim that has not arrived yet.
    ReleaseEarly(Wish),
    Beat {
        worker: usize,
        sweeps: bool,
    },
    Finish {
        claim: usize,
        end: End,
        retries: u32,
        lost_retries: u32,
    },
    FinishAndClaim {
        claim: usize,
        end: End,
        wish: Wish,
    },
    Report {
        claim: usize,
    },
    Cancel {
        job: usize,
    },
    CancelByHand {
        job: usize,
    },
    /// Another priority; another time: later, or now.
    Change {
        job: usize,
        priority: Option<u8>,
        later: Option<bool>,
    },
    Retry {
        job: usize,
    },
    Read {
        job: usize,
    },
    Pause {
        task: usize,
        paused: bool,
    },
    LeaseOver {
        job: usize,
    },
    DelayOver {
        job: usize,
    },
    ExpiryOver {
        job: usize,
    },
    /// An idle worker took the task's token and nothing else.
    TokenLost {
        task: usize,
    },
    Sweep,
}

fn wish() -> impl Strategy<Value = Wish> {
    let lost_retries = prop_oneof![4 => Just(2_u32), 1 => 0..4_u32];
    (0..2_usize, 1..4_usize, 1..8_u8, lost_retries, prop::option::of(0..8_u64))
        .prop_map(|(worker, slots, tasks, lost_retries, memory)| Wish { worker, slots, tasks, lost_retries, memory })
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        Just(End::Success),
        Just(End::Retryable),
        Just(End::Final),
        Just(End::Cancelled),
        Just(End::Drained),
        Just(End::Lost)
    ]
}

/// Any step, the common ones more often.
pub(crate) fn any_step() -> impl Strategy<Value = Step> {
    let seldom = || prop::bool::weighted(0.25);
    let retries = prop::option::of(0..3_u32);
    let submit = (0..3_usize, prop_oneof![Just(5_u8), 0..10_u8], seldom(), seldom(), retries, seldom()).prop_map(
        |(task, priority, delayed, expires, retries, unique)| Step::Submit {
            task,
            priority,
            delayed,
            expires,
            retries,
            unique,
        },
    );
    let finish = (0..64_usize, end(), 0..2_u32, prop_oneof![3 => Just(2_u32), 1 => Just(0_u32)])
        .prop_map(|(claim, end, retries, lost_retries)| Step::Finish { claim, end, retries, lost_retries });
    let job = || 0..64_usize;
    prop_oneof![
        8 => submit,
        1 => job().prop_map(|job| Step::SubmitAgain { job }),
        1 => (0..3_usize, 0..4_u64).prop_map(|(task, max_queued)| Step::SubmitFull { task, max_queued }),
        8 => wish().prop_map(Step::Claim),
        2 => (0..2_usize).prop_map(|worker| Step::ClaimAgain { worker }),
        2 => (0..2_usize).prop_map(|worker| Step::Release { worker }),
        1 => wish().prop_map(Step::ReleaseEarly),
        2 => (0..2_usize, any::<bool>()).prop_map(|(worker, sweeps)| Step::Beat { worker, sweeps }),
        6 => finish,
        3 => (0..64_usize, end(), wish()).prop_map(|(claim, end, wish)| Step::FinishAndClaim { claim, end, wish }),
        1 => (0..64_usize).prop_map(|claim| Step::Report { claim }),
        2 => job().prop_map(|job| Step::Cancel { job }),
        2 => job().prop_map(|job| Step::CancelByHand { job }),
        3 => (job(), prop::option::of(0..10_u8), prop::option::of(any::<bool>()))
            .prop_map(|(job, priority, later)| Step::Change { job, priority, later }),
        2 => job().prop_map(|job| Step::Retry { job }),
        1 => job().prop_map(|job| Step::Read { job }),
        2 => (0..3_usize, any::<bool>()).prop_map(|(task, paused)| Step::Pause { task, paused }),
        3 => job().prop_map(|job| Step::LeaseOver { job }),
        3 => job().prop_map(|job| Step::DelayOver { job }),
        2 => job().prop_map(|job| Step::ExpiryOver { job }),
        1 => (0..3_usize).prop_map(|task| Step::TokenLost { task }),
        4 => Just(Step::Sweep),
    ]
}
