//! Messages with descriptors over `SOCK_SEQPACKET` sockets: one send is one receive, and an empty receive is the end.

use nix::{
    errno::Errno,
    sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, sendmsg},
};
use std::{
    io::{self, IoSlice, IoSliceMut},
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

/// Most descriptors in one message.
const MAX_FDS: usize = 8;

/// One message.
#[derive(Debug)]
pub(in crate::process) struct Received {
    /// Its length in the buffer; 0 when the other side has closed.
    pub(in crate::process) len: usize,
    /// What it carried. Close-on-exec.
    pub(in crate::process) fds: Vec<OwnedFd>,
    /// The pid it speaks of as this process sees it, when the socket asks for it (`SO_PASSCRED`).
    pub(in crate::process) pid: Option<i32>,
}

/// Sends one message whole, or fails; never waits.
pub(in crate::process) fn send(to: BorrowedFd<'_>, data: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let raw: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    send_with(to, data, if raw.is_empty() { &[] } else { &rights })
}

/// Sends one message in the name of `pid`: the kernel turns it into the pid that the receiver sees, across pid
/// namespaces. Any pid but the sender's own takes `CAP_SYS_ADMIN` in the sender's namespace.
pub(in crate::process) fn send_as(to: BorrowedFd<'_>, data: &[u8], pid: i32) -> io::Result<()> {
    let credentials: UnixCredentials =
        libc::ucred { pid, uid: nix::unistd::getuid().as_raw(), gid: nix::unistd::getgid().as_raw() }.into();
    send_with(to, data, &[ControlMessage::ScmCredentials(&credentials)])
}

fn send_with(to: BorrowedFd<'_>, data: &[u8], control: &[ControlMessage<'_>]) -> io::Result<()> {
    let parts = [IoSlice::new(data)];
    loop {
        match sendmsg::<()>(to.as_raw_fd(), &parts, control, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT, None) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Receives one message.
///
/// # Errors
/// `EAGAIN` when there is none, `EMSGSIZE` for one that does not fit the buffer.
pub(in crate::process) fn receive(from: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let mut control = nix::cmsg_space!([RawFd; MAX_FDS], UnixCredentials);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let mut parts = [IoSliceMut::new(buffer)];
    loop {
        let message = match recvmsg::<()>(from.as_raw_fd(), &mut parts, Some(&mut control), flags) {
            Ok(message) => message,
            // The other end was closed with messages unread in it (its process was stopped, say). The kernel tells that once, and
            // before what the other end had said: that is still to be read, and then the end.
            Err(Errno::EINTR | Errno::ECONNRESET) => continue,
            Err(error) => return Err(error.into()),
        };
        let mut fds = Vec::new();
        let mut pid = None;
        for part in message.cmsgs()? {
            match part {
                ControlMessageOwned::ScmRights(raw) => {
                    // SAFETY: the kernel has just put these into this process' table; nobody else knows of them.
                    fds.extend(raw.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
                }
                ControlMessageOwned::ScmCredentials(credentials) => pid = Some(credentials.pid()),
                _ => {}
            }
        }
        if message.flags.contains(MsgFlags::MSG_TRUNC) {
            return Err(Errno::EMSGSIZE.into());
        }
        return Ok(Received { len: message.bytes, fds, pid });
    }
}
