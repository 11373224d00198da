//! `dayfly-bench survivors`: the same hostile programs as jobs of Dayfly, RQ and Celery, ended in the same ways, and what is
//! left of each tree.
//!
//! ```text
//!   dayfly-bench        adopts the orphans of all of them (below)
//!     redis-server      one a system
//!     RQ's worker       work-horse        hostile   ..
//!     Celery's worker   pool process      hostile   ..
//!     dayfly worker     supervisor, slot  hostile   ..
//! ```
//!
//! `system` says what the bench needs of each; `dayfly` and `peer` are the two that give it, with the peers put up by
//! `crate::install`. `tree` is the life of one tree, `ending` the ways to end it, `table` what is printed.

mod below;
mod dayfly;
mod ending;
mod options;
mod peer;
mod run;
mod system;
mod table;
mod tree;

pub(crate) use options::Options;
pub(crate) use run::run;
