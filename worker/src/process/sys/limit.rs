//! Limits put on another process, a child of a child: `prlimit(2)` and `setpriority(2)`.

use nix::errno::Errno;
use std::{io, ptr};

/// A resource's soft and hard limit.
pub(in crate::process) fn limit(pid: i32, resource: u32, soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit64 { rlim_cur: soft, rlim_max: hard };
    let old = ptr::null_mut::<libc::rlimit64>();
    // SAFETY: the new limit is a live value of the right type, and the old one is not asked for.
    let done = unsafe { libc::syscall(libc::SYS_prlimit64, pid, resource, &raw const limit, old) };
    Errno::result(done)?;
    Ok(())
}

/// The niceness of a process.
pub(in crate::process) fn set_nice(pid: i32, nice: i32) -> io::Result<()> {
    // SAFETY: takes no pointer.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, pid.cast_unsigned(), nice) })?;
    Ok(())
}
