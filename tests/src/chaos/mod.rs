//! Everything that can go wrong, at once and on purpose, and an independent judge of what came of it.
//!
//! ```text
//!   schedule (faults from a seed) --> strike --> fleet: API and workers, each behind a proxy of its own; one server
//!   recipe (jobs from a seed) ----> clients --/     |
//!                                      |            +-- chaos-job: each job bears witness of itself
//!                                      v            v
//!                          files of observations, only ever appended to   <-- lookout: /proc, the stream of events
//!                                      |
//!                          dump (the whole keyspace at the end) --> history --> check --> violations
//! ```
//!
//! `check` shares no code with the queue: it knows the files and the keys as an operator would read them. `doctor` falsifies
//! a history in one way each, to see that `check` notices.

mod check;
mod clients;
mod clock;
mod dice;
mod doctor;
mod dump;
mod fault;
mod figures;
mod fleet;
mod history;
mod lookout;
mod notes;
mod proxy;
mod recipe;
mod run;
mod schedule;
mod strike;

pub use check::{Invariant, Violation, check};
pub use dice::{Dice, seed};
pub use doctor::{BUGS, Bug};
pub use fault::{Fault, Kind};
pub use figures::Figures;
pub use history::{Budget, Carrier, ClientNote, Dump, Event, History, JobNote, Record, Terms, Witnessed};
pub use proxy::{Proxy, Weather};
pub use run::{Chaos, Outcome};
pub use schedule::{Aim, Planned, faults};
