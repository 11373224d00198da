//! `dayfly-bench warm`: a Python function whose module loads numpy and pandas, as a warm task and in all other ways that its
//! users have, all in one run.
//!
//! ```text
//!   dayfly-bench
//!     redis-server, dayfly api, dayfly worker     warm: a host a slot; cold: an interpreter a job
//!     ways.py                                     forks, a pool, the client of RQ
//!     redis-server, rq worker ..                  with the module loaded, and as it comes
//! ```
//!
//! `way` lists the ways to run a job, `dayfly` and `other` carry them out, `run` goes through them round by round, each round
//! in another order, so that a slow minute of the machine falls on all of them; `quiet` waits for a good one.

mod dayfly;
mod options;
mod other;
mod quiet;
mod run;
mod way;

pub(crate) use options::Options;
pub(crate) use run::run;
