//! A process by descriptor, so that a pid that was used again is never signalled.

use nix::errno::Errno;
use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

/// A pidfd (`pidfd_open(2)`). Any thread may use it. It reads as ready once the process has ended.
#[derive(Debug)]
pub(in crate::process) struct PidFd(OwnedFd);

impl PidFd {
    /// The process that has this pid now. For a child that this process has not reaped yet, that is certain.
    pub(in crate::process) fn open(pid: i32) -> io::Result<Self> {
        // SAFETY: takes no pointer.
        let raw = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
        let raw = i32::try_from(raw).map_err(|_| io::Error::from(Errno::EBADF))?;
        // SAFETY: a fresh descriptor (close-on-exec by itself) that nobody else owns.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(raw) }))
    }

    /// SIGKILL. An error means it has already ended.
    pub(in crate::process) fn kill(&self) -> io::Result<()> {
        self.signal(libc::SIGKILL)
    }

    /// SIGCONT, of no effect unless it was stopped. An error means it has already ended.
    pub(in crate::process) fn go_on(&self) -> io::Result<()> {
        self.signal(libc::SIGCONT)
    }

    fn signal(&self, number: libc::c_int) -> io::Result<()> {
        let no_information = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: no signal information is passed (null), the descriptor is live.
        let done = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), number, no_information, 0) };
        Errno::result(done)?;
        Ok(())
    }

    /// Whether the process has ended (reaped or not).
    pub(in crate::process) fn has_ended(&self) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        matches!(poll(&mut fds, PollTimeout::ZERO), Ok(ready) if ready > 0)
    }
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
