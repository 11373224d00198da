//! The worker: claims jobs, runs each in a process tree of its own, ends every tree for certain.
//!
//! ```text
//!   process  <-  run (one job)  <-  seat (one slot)  <-  claim loop  <-  daemon
//!                 |                    |                                   |
//!                 report               finish + next claim                 heartbeat, cancels, drain
//! ```
//!
//! `process` knows no queue, no Redis, no HTTP; everything above it knows no system call.

mod cancels;
mod claim_loop;
mod clocks;
mod context;
mod daemon;
mod doorbell;
mod environment;
mod heartbeat;
mod held;
mod identity;
mod memory;
mod metrics;
#[doc(hidden)]
pub mod mutant;
mod outcome;
pub mod process;
mod python;
mod recover;
mod report;
mod run;
mod seat;
mod workdir;

pub use daemon::{Shutdown, WorkerError, run};
pub use identity::of as identity_of;
pub use python::{host_command, write_package};
