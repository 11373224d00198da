//! Control groups for jobs that are limited in memory, processes or CPUs, where this worker may make them.
//!
//! ```text
//!   hierarchy of a controller (v1), or the one of all (v2)
//!     .. the worker's own group
//!          dayfly-<supervisor>-<slot>     one job's; made before it starts, removed after it ended
//! ```
//!
//! A job's group lies inside the worker's own, so that limits of the worker hold for its jobs. Version 2 wants processes
//! in leaves only: the worker then moves itself into a leaf beside its jobs, but only when everything in its group is
//! its own. Where no group can be made the slot's gauge watches the tree instead.

mod cage;
mod find;
mod tidy;

pub(super) use cage::{Cage, Wanted};
pub(super) use find::{Cgroups, Place, Version};
pub(super) use tidy::{name, remove_all_of, remove_stale};
