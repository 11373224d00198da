//! From a checked request to a job in the queue, one or many at once: its id, the repetition after a lost answer, and what a
//! refusal says.

mod batch;
mod offer;
mod refusal;
mod take;

pub(crate) use batch::{Batch, Outcome};
pub(crate) use offer::{Named, Offer, now_ms};
pub(crate) use refusal::{deleted, full, not_unique, owner_full, rate_limited};
pub(crate) use take::{Taken, take, take_each};
