//! Control groups, where this worker may make them: they hold limits that no other means of the kernel does, and they
//! know which processes belong together when nobody who started them is left.
//!
//! ```text
//!   hierarchy of a controller (v1), or the one of all (v2)
//!     .. the worker's own group
//!          dayfly-jobs-<supervisor>   the yard of one supervisor, locked while it lives
//!            slots                    slots of the plain tier and the jobs in them
//!            job-<slot>               a job with limits; made before it starts, removed after it ended
//! ```
//!
//! The yard lies inside the worker's own group, so that limits of the worker hold for its jobs. Version 2 wants processes
//! in leaves only: the worker then moves itself into a leaf beside the yard, but only when everything in its group is
//! its own. Where no group can be made the slot's gauge watches the tree instead.

mod cage;
mod find;
mod hold;
mod stale;
mod yard;

pub(super) use cage::{Cage, Wanted};
pub(super) use find::Version;
pub use hold::{Holder, Holders};
pub use stale::Swept;
pub(super) use yard::Yard;
