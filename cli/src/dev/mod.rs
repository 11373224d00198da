//! `dayfly dev`: everything in one terminal.
//!
//! ```text
//!   dayfly dev ----- tether -> valkey-server or redis-server   data in <data>/redis, append-only file, loopback only
//!     |  |  \------- tether -> dayfly api
//!     |  \---------- tether -> dayfly worker                    state in <data>/worker
//!     \ lock on <data>/lock, port remembered in <data>/redis.port
//! ```
//!
//! Each child has a process group of its own, so that Ctrl-C reaches only this process, which ends them in order: the
//! worker drains, then the API, then the server. A child that dies is started again. If this process is killed, the
//! kernel kills the children (see `tether`).

mod announce;
mod child;
mod data;
mod examples;
mod house;
mod ready;
mod run;
mod server;

pub(crate) use run::run;
