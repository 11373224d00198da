//! Shapes that stand still once they are built.

use crate::process::{Counter, child, leave, ready, reap, setsid, stay};

pub(crate) fn ignore_term() {
    ready();
}

/// A grandchild in a session of its own whose parent has ended; it holds all pipes.
pub(crate) fn daemonize() {
    let pid = child(|| {
        setsid();
        child(ready);
        leave(0)
    });
    reap(pid);
}

/// Sixty generations, each in a session of its own.
pub(crate) fn chain() {
    link(60);
}

fn link(left: u32) {
    child(|| {
        setsid();
        if left == 0 { ready() } else { link(left - 1) }
    });
}

/// A child and then the leader stop themselves.
pub(crate) fn stop() {
    child(|| {
        ready();
        // SAFETY: takes a number.
        unsafe { libc::raise(libc::SIGSTOP) };
    });
    if std::env::var_os("HOSTILE_LEADER").is_none() {
        // SAFETY: as above.
        unsafe { libc::raise(libc::SIGSTOP) };
    }
}

/// Children that have ended and are never waited for.
pub(crate) fn zombies() {
    for _ in 0..50 {
        child(|| leave(0));
    }
    child(ready);
}

/// No descriptor is left, not even for saying so later.
pub(crate) fn close_fds() {
    child(|| {
        ready();
        close_all();
    });
    close_all();
}

/// A leader that is a subreaper itself, with orphans.
pub(crate) fn subreaper() {
    // SAFETY: takes numbers.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1 as libc::c_ulong) };
    for _ in 0..5 {
        child(|| {
            child(setsid);
            leave(0)
        });
    }
    child(ready);
}

/// A daemonized process whose environment no longer tells whose it is.
pub(crate) fn forget_environment() {
    let pid = child(|| {
        setsid();
        child(|| {
            ready();
            let sleep = [c"sleep".as_ptr(), c"40".as_ptr(), std::ptr::null()];
            let nothing = [std::ptr::null()];
            // SAFETY: both lists end with null and hold static strings.
            unsafe { libc::execve(c"/bin/sleep".as_ptr(), sleep.as_ptr(), nothing.as_ptr()) };
        });
        leave(0)
    });
    reap(pid);
}

pub(crate) fn tree_10() {
    wide(10, || {});
}

pub(crate) fn tree_200() {
    wide(200, || {});
}

pub(crate) fn sessions_200() {
    wide(200, setsid);
}

fn wide(number: i32, body: fn()) {
    let there = Counter::new();
    for _ in 1..number {
        child(|| {
            body();
            there.add(1);
            stay()
        });
    }
    there.wait_for(number - 1);
    ready();
}

fn close_all() {
    // SAFETY: nothing of this program uses a descriptor afterwards.
    unsafe { libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, 0) };
}
