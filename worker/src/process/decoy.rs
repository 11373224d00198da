//! The small hostile tree of the self-test: `dayfly supervisor self-test`, run as a job.
//!
//! The leader ignores SIGTERM; its grandchild has a session of its own, another parent than the leader, no parent-death
//! signal, and all the pipes. It says [`STANDS`] on the event pipe.

use super::sys::{self, Forked};
use nix::{
    sys::prctl,
    unistd::{pause, setsid, write},
};
use std::{io, os::fd::AsFd, process::exit};

/// The event line that says so.
pub(super) const STANDS: &str = "stands";
/// What the program is called with.
pub(super) const ARGUMENT: &str = "self-test";

/// Never returns; ended from outside.
pub(super) fn main() -> ! {
    sys::ignore_requests_to_end();
    let _ = prctl::set_pdeathsig(None);
    match build() {
        Ok(()) => stay(),
        Err(error) => {
            eprintln!("the self-test's tree could not be built: {error}");
            exit(1)
        }
    }
}

fn build() -> io::Result<()> {
    let events = sys::inherited_socket().ok_or(io::Error::other("no event pipe"))?;
    if let Forked::Parent(_) = sys::fork()? {
        return Ok(());
    }
    let _ = setsid();
    if let Forked::Parent(_) = sys::fork()? {
        exit(0)
    }
    write(events.as_fd(), format!("{STANDS}\n").as_bytes())?;
    stay()
}

fn stay() -> ! {
    loop {
        pause();
    }
}
