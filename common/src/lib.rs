//! What every part of Dayfly shares: the model, the key names, the configuration and the queue protocol.
//!
//! ```text
//!   model  <-  keys  <-  queue        config -> model
//!   (pure)     (pure)    (Redis)      (files, environment)
//! ```
//!
//! `model` does no I/O. `queue` is the only room that speaks to Redis about jobs; `api` and `worker` call it and
//! never send a job command of their own. `metrics` names what is counted and measured. `config` is read by `main` alone; everything else takes plain values.

pub mod config;
pub mod keys;
pub mod metrics;
pub mod model;
pub mod queue;
