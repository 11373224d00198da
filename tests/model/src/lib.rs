//! The lease protocol of Dayfly as a model whose every history can be gone through.
//!
//! Two workers of one slot each, two jobs, one Redis. Time goes in ticks. What is modelled is what keeps a job from running twice
//! and its end from being lost: claim, heartbeat, finish, release, sweep, cancel and submit as the functions in Redis do them; a
//! daemon that counts its limit L from when it sent what was confirmed; a slot that starts a job only with half the lease left and
//! ends it before L by its own timers. `docs/model.md` says what was found, and what is left out.
//!
//! ```text
//!   rules       times, faults, and what is left out on purpose
//!   nonce record server          Redis
//!   slot worker daemon           a worker
//!   world       all of it, and what was seen from outside
//!   step offer after             what may happen, when, and what becomes of it
//!   promise     what must hold
//!   explore     goes through everything
//! ```
//!
//! Faults are counted down, so that a history has only so many. Unless time is bounded, only distances in time are kept, never the
//! time itself: all histories are gone through without an end of time. A crate of its own, for the sake of its speed: the tests
//! around it are compiled without optimisation.

mod after;
mod daemon;
mod explore;
mod nonce;
mod offer;
mod promise;
mod record;
mod rules;
mod server;
mod slot;
mod step;
mod worker;
mod world;

pub use explore::{Explored, explore, shortest};
pub use promise::Promise;
pub use rules::{Faults, Jobs, Mutant, Pace, Replica, Rules};
pub use step::{Exit, Step, Wire};
pub use world::At;
