//! The limits of a job, put on the child that waits for it: what a cold job's leader does to itself before `execve`.

use super::super::{cgroup::Cage, limits::Bounds, sys};
use nix::{
    sched::sched_setaffinity,
    unistd::{Pid, write},
};
use std::io;

/// Groups, limits, niceness and CPUs; the identity is the host's.
///
/// # Errors
/// One of them is refused, as it would be for a cold job; or the child has ended.
pub(super) fn put(child: i32, bounds: &Bounds, cage: Option<&Cage>, slot: u32, counted_apart: bool) -> io::Result<()> {
    for door in cage.into_iter().flat_map(Cage::doors) {
        write(door, child.to_string().as_bytes())?;
    }
    for (resource, soft, hard) in bounds.rlimits(cage, counted_apart) {
        sys::limit(child, resource, soft, hard)?;
    }
    if let Some(nice) = bounds.nice {
        sys::set_nice(child, nice)?;
    }
    if let Some(cpus) = bounds.affinity(cage, slot) {
        sched_setaffinity(Pid::from_raw(child), &cpus)?;
    }
    Ok(())
}
