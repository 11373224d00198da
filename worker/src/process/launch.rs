//! Starting the supervisor process.

use super::{
    adopt,
    sys::{PidFd, watch},
};
use nix::{
    spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn},
    sys::{
        prctl,
        signal::{SigSet, Signal},
        socket::{AddressFamily, SockFlag, SockType, setsockopt, socketpair, sockopt},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};
use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

/// Where the supervisor looks for its socket.
const SOCKET_FD: i32 = 3;

/// A supervisor process: whether it lives, and its reaping.
#[derive(Debug)]
pub(super) struct Life {
    pid: i32,
    handle: PidFd,
}

/// A pair of connected sockets: the daemon's end, which is told of the sender's pid, and the other one.
pub(super) fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
    setsockopt(&ours, sockopt::PassCred, &true)?;
    Ok((ours, theirs))
}

/// Starts `exe supervisor` with one end of a new socket pair; gives the other end.
pub(super) fn launch(exe: &Path) -> io::Result<(OwnedFd, Life)> {
    // Should the supervisor be killed, this process gets what was beneath it, and ends it.
    prctl::set_child_subreaper(true)?;
    let (ours, theirs) = socket_pair()?;
    let path = CString::new(exe.as_os_str().as_bytes())?;
    let argv = [path.clone(), CString::from(c"supervisor")];
    // Slots inherit it, and a job of root's could read it there: the worker's own holds secrets of every task.
    let env: [CString; 0] = [];

    let mut actions = PosixSpawnFileActions::init()?;
    actions.add_dup2(theirs.as_raw_fd(), SOCKET_FD)?;
    let mut attributes = PosixSpawnAttr::init()?;
    let mut defaults = SigSet::empty();
    defaults.add(Signal::SIGPIPE);
    attributes.set_sigdefault(&defaults)?;
    attributes.set_sigmask(&SigSet::empty())?;
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK)?;

    let pid = posix_spawn(path.as_c_str(), &actions, &attributes, &argv, &env)?;
    let life = Life { pid: pid.as_raw(), handle: PidFd::open(pid.as_raw())? };
    adopt::started(life.pid);
    Ok((ours, life))
}

impl Life {
    /// Its pid.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether it has ended; reaps it then.
    pub(super) fn has_ended(&self) -> bool {
        if !self.handle.has_ended() {
            return false;
        }
        // A second call finds it reaped already.
        let _ = waitpid(Pid::from_raw(self.pid), Some(WaitPidFlag::WNOHANG));
        adopt::ended(self.pid);
        true
    }

    /// Lets it go on, should it have been stopped.
    pub(super) fn go_on(&self) {
        // An error means that it has ended.
        let _ = self.handle.go_on();
    }

    /// Waits until it has ended.
    pub(super) async fn ended(&self) -> io::Result<()> {
        let handle = watch(self.handle.as_fd().try_clone_to_owned()?)?;
        let _ready = handle.readable().await?;
        Ok(())
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // The last socket is closed: it ends its slots and then itself. Reaped here when that was quick; otherwise it
        // stays a zombie until this process ends, as workers do soon after.
        let _ = self.has_ended();
    }
}
