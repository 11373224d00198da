//! Forking a single-threaded process, and what a fresh process does with its descriptors and signals.

use nix::{errno::Errno, sched::CloneFlags, unistd::ForkResult};
use std::{
    io,
    os::fd::{FromRawFd, OwnedFd, RawFd},
    sync::atomic::{AtomicBool, Ordering},
};

/// Which side of a fork this is.
#[derive(Debug)]
pub(in crate::process) enum Forked {
    /// The new process.
    Child,
    /// The old one, with the new one's pid.
    Parent(i32),
}

/// `fork(2)`. To be called with one thread only: the child then has a whole heap and no lock held by nobody.
pub(in crate::process) fn fork() -> io::Result<Forked> {
    // SAFETY: the supervisor, the only caller, never starts a thread, so the child may go on with ordinary Rust.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Child => Ok(Forked::Child),
        ForkResult::Parent { child } => Ok(Forked::Parent(child.as_raw())),
    }
}

/// As [`fork`], the child in new namespaces.
pub(in crate::process) fn fork_into(namespaces: CloneFlags) -> io::Result<Forked> {
    let flags = libc::c_long::from(namespaces.bits() | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and with a null stack this is fork(2). The C library is passed over, so it keeps the
    // parent's thread id for the child: only its locks that check their owner and `raise` would mind, and neither this
    // single-threaded process nor the standard library in it uses those.
    match Errno::result(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })? {
        0 => Ok(Forked::Child),
        pid => i32::try_from(pid).map(Forked::Parent).map_err(|_| Errno::ERANGE.into()),
    }
}

/// The socket that the daemon put on fd 3. `None` when there is none, or when it was already taken.
pub(in crate::process) fn inherited_socket() -> Option<OwnedFd> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    // SAFETY: F_GETFD takes no pointer; a closed descriptor is answered with an error.
    let open = unsafe { libc::fcntl(3, libc::F_GETFD) } >= 0;
    if !open || TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    // SAFETY: fd 3 is open, this process opened nothing yet (first thing in `main`), and TAKEN hands it out once.
    Some(unsafe { OwnedFd::from_raw_fd(3) })
}

/// Puts `fd` on the number `at` (closing what was there) and gives up `fd` itself. Close-on-exec is kept.
pub(in crate::process) fn place(fd: OwnedFd, at: RawFd) -> io::Result<OwnedFd> {
    use std::os::fd::{AsRawFd, IntoRawFd};
    if fd.as_raw_fd() == at {
        let raw = fd.into_raw_fd();
        // SAFETY: `raw` was owned a moment ago and was given up by `into_raw_fd`.
        return Ok(unsafe { OwnedFd::from_raw_fd(raw) });
    }
    // SAFETY: `dup3` takes no pointer. Callers name 0 to 4 only; whatever else of a fresh process stands there is not used any more.
    Errno::result(unsafe { libc::dup3(fd.as_raw_fd(), at, libc::O_CLOEXEC) })?;
    // SAFETY: `at` is open since the line above and owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(at) })
}

/// Closes every descriptor from `first` up. Copies of sockets left open would hide the other side's end.
pub(in crate::process) fn close_from(first: RawFd) {
    let first = libc::c_uint::try_from(first).unwrap_or(libc::c_uint::MAX);
    // SAFETY: takes no pointer. Only called by a fresh process before it opens anything of its own; owners left over
    // from before a fork lie in frames that are never returned to, so nothing closes these numbers a second time.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) };
    if done != 0 {
        let highest = 65_536;
        for fd in first..highest {
            // SAFETY: as above; a number that is not open is answered with EBADF.
            unsafe { libc::close(fd.cast_signed()) };
        }
    }
}

/// Ignores SIGTERM, SIGHUP and SIGINT, as programs do that are hard to end.
pub(in crate::process) fn ignore_requests_to_end() {
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT] {
        // SAFETY: SIG_IGN installs no code.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Default dispositions for every signal: Rust ignores SIGPIPE, `nohup` SIGHUP, and children inherit both.
pub(in crate::process) fn default_signals() {
    // The kernel's `struct sigaction` is four words, or five with the restorer; zero is SIG_DFL without flags or mask.
    let default = [0_u64; 8];
    let set_size = size_of::<u64>();
    for signal in 1..=64 {
        // SAFETY: SIG_DFL installs no code, and the struct is long enough. By the raw call, since libc hides its own two
        // signals, which may have been ignored above us as well. KILL and STOP are refused, which is right.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), 0, set_size) };
    }
}
