//! What is promised, as conditions on every world.

use crate::{explore::Protocol, rules::JOBS, world::World};
use stateright::Property;

/// What must hold in every world, or in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// No two copies of a job are alive.
    OneCopy,
    /// An end is written once, and stays.
    OneEnd,
    /// A job whose submission was answered is in exactly one of queued, running and ended.
    NoneLost,
    /// No end is taken from an attempt after which the job was started again.
    NoStaleEnd,
    /// Nothing of a job is alive whose record says that it has ended.
    NoSurvivor,
    /// A job does not start after a cancel was answered while it waited.
    CancelHolds,
    /// An end that could be read is never undone.
    NoneUndone,
    /// Every job ends. Only where time is bounded.
    AllEnd,
}

impl Promise {
    /// Those of every world.
    pub const ALWAYS: [Self; 7] = [
        Self::OneCopy,
        Self::OneEnd,
        Self::NoneLost,
        Self::NoStaleEnd,
        Self::NoSurvivor,
        Self::CancelHolds,
        Self::NoneUndone,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneCopy => "no two copies of a job are alive",
            Self::OneEnd => "an end is written once, and stays",
            Self::NoneLost => "an acknowledged job is in exactly one place",
            Self::NoStaleEnd => "no end is taken from a superseded attempt",
            Self::NoSurvivor => "nothing of an ended job is alive",
            Self::CancelHolds => "a job does not start after its cancel",
            Self::NoneUndone => "an end that could be read is never undone",
            Self::AllEnd => "every job ends",
        }
    }

    fn kept(self, world: &World) -> bool {
        let record = |job: u8| world.primary.record(job);
        let seen = &world.seen;
        (0..JOBS).all(|job| match self {
            Self::OneCopy => world.copies(job) <= 1,
            Self::OneEnd => !seen.second_end && seen.end[usize::from(job)].is_none_or(|end| record(job).state == end),
            Self::NoneLost => !seen.acknowledged[usize::from(job)] || record(job).stands_once(),
            Self::NoStaleEnd => !seen.stale_end,
            Self::NoSurvivor => !record(job).state.ended() || world.copies(job) == 0,
            Self::CancelHolds => !seen.cancel_in_vain,
            Self::NoneUndone => !seen.undone,
            Self::AllEnd => !seen.acknowledged[usize::from(job)] || record(job).state.ended(),
        })
    }

    pub(crate) fn property(self) -> Property<Protocol> {
        match self {
            Self::OneCopy => Property::always(self.name(), |_, world| Self::OneCopy.kept(world)),
            Self::OneEnd => Property::always(self.name(), |_, world| Self::OneEnd.kept(world)),
            Self::NoneLost => Property::always(self.name(), |_, world| Self::NoneLost.kept(world)),
            Self::NoStaleEnd => Property::always(self.name(), |_, world| Self::NoStaleEnd.kept(world)),
            Self::NoSurvivor => Property::always(self.name(), |_, world| Self::NoSurvivor.kept(world)),
            Self::CancelHolds => Property::always(self.name(), |_, world| Self::CancelHolds.kept(world)),
            Self::NoneUndone => Property::always(self.name(), |_, world| Self::NoneUndone.kept(world)),
            Self::AllEnd => Property::eventually(self.name(), |_, world| Self::AllEnd.kept(world)),
        }
    }
}
