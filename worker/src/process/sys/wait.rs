//! Reaping: `wait4(2)` and `sigtimedwait(2)`.

use nix::errno::Errno;
use std::{io, mem::MaybeUninit, ops::AddAssign, ptr, time::Duration};

/// One answer of `wait4(-1, WNOHANG | __WALL)`.
#[derive(Debug, Clone, Copy)]
pub(in crate::process) enum Waited {
    /// A child has ended and is reaped.
    Ended {
        /// Its pid, free again from now on.
        pid: i32,
        /// Its wait status (`wait(2)`).
        status: i32,
        /// What it and the children it had waited for used.
        spent: Spent,
    },
    /// There are children, none has ended.
    Running,
    /// ECHILD: there is no child, hence (for a subreaper) no descendant.
    NoChild,
}

/// What reaped processes used. `wait4` counts a process together with the children it waited for, and every process is
/// waited for exactly once, so adding these up counts nothing twice.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::process) struct Spent {
    /// User and system CPU time.
    pub(in crate::process) cpu: Duration,
    /// The largest resident set of any one process, bytes.
    pub(in crate::process) max_rss: u64,
    /// Context switches: those they waited for, and those they were made to.
    pub(in crate::process) voluntary_switches: u64,
    pub(in crate::process) involuntary_switches: u64,
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.max_rss = self.max_rss.max(other.max_rss);
        self.voluntary_switches += other.voluntary_switches;
        self.involuntary_switches += other.involuntary_switches;
    }
}

/// Reaps one ended child of any kind, if there is one.
pub(in crate::process) fn wait_any() -> io::Result<Waited> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are to live, writable values of the right type for the length of the call.
        let pid = unsafe { libc::wait4(-1, &raw mut status, libc::WNOHANG | libc::__WALL, usage.as_mut_ptr()) };
        match pid {
            0 => return Ok(Waited::Running),
            -1 => match Errno::last() {
                Errno::EINTR => {}
                Errno::ECHILD => return Ok(Waited::NoChild),
                other => return Err(other.into()),
            },
            pid => {
                // SAFETY: all-zero is a valid `rusage`, and the kernel has filled it in.
                let usage = unsafe { usage.assume_init() };
                return Ok(Waited::Ended { pid, status, spent: spent(&usage) });
            }
        }
    }
}

/// Waits until SIGCHLD (which must be blocked) is pending and takes it, at most for `at_most`.
pub(in crate::process) fn wait_for_child_signal(at_most: Duration) {
    let timeout = libc::timespec {
        tv_sec: i64::try_from(at_most.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(at_most.subsec_nanos()),
    };
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigemptyset` initialises the set that the other two read; the info pointer may be null.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        libc::sigtimedwait(set.as_ptr(), ptr::null_mut(), &raw const timeout);
    }
}

fn spent(usage: &libc::rusage) -> Spent {
    let time = |value: libc::timeval| {
        Duration::from_secs(u64::try_from(value.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(value.tv_usec).unwrap_or(0))
    };
    let count = |value: libc::c_long| u64::try_from(value).unwrap_or(0);
    Spent {
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        max_rss: count(usage.ru_maxrss).saturating_mul(1024),
        voluntary_switches: count(usage.ru_nvcsw),
        involuntary_switches: count(usage.ru_nivcsw),
    }
}
