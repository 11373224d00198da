//! System calls that no safe crate covers. The only room of the workspace with `unsafe` in it.
//!
//! Everything here is called from single-threaded processes (supervisor, slot) unless it says otherwise; each block
//! states the invariant it rests on. Nothing here decides anything: the rooms above do.

#![expect(unsafe_code, reason = "clone, wait4, inherited descriptors and signal dispositions have no safe wrapper")]

mod exec;
mod fork;
mod limit;
mod pidfd;
mod sched;
mod socket;
mod wait;
mod watch;

pub(super) use exec::{ExecFailure, ExecPlan, SpawnArea, Step};
pub(super) use fork::{
    Forked, close_from, default_signals, fork, fork_into, ignore_requests_to_end, inherited_socket, place,
};
pub(super) use limit::{limit, set_nice};
pub(super) use pidfd::PidFd;
pub(super) use sched::realtime;
pub(super) use socket::{Received, receive, send, send_as};
pub(super) use wait::{Spent, Waited, wait_any, wait_for_child_signal};
pub(super) use watch::watch;
