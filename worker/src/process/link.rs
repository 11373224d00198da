//! The daemon's end of one slot's socket.

use super::{
    launch::Life,
    sys::{PidFd, watch},
    tier::Tier,
    wire::{Arrival, FromSlot, Grounds, ToSlot, receive_value, send_value},
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};
use tokio::io::unix::AsyncFd;

/// Longest message of a slot.
const LONGEST: usize = 8 * 1024;

/// A slot process and the socket to it. Dropping it makes the slot kill its job and end.
#[derive(Debug)]
pub(super) struct Link {
    socket: AsyncFd<OwnedFd>,
    process: Arc<PidFd>,
    pid: i32,
    tier: Tier,
    supervisor: Arc<Life>,
}

/// What came from a slot.
#[derive(Debug)]
pub(super) enum Said {
    /// A message and the pid it speaks of, as this process sees it.
    Message(FromSlot, Option<i32>),
    /// Slot and supervisor have closed the socket.
    End,
}

impl Link {
    /// Waits for a new slot to say that it is there.
    ///
    /// # Errors
    /// It was not made, or it died at once.
    pub(super) async fn open(socket: OwnedFd, tier: Tier, supervisor: Arc<Life>) -> io::Result<(Grounds, Self)> {
        let socket = watch(socket)?;
        match hear(&socket).await? {
            Said::Message(FromSlot::Hello(grounds), Some(pid)) => {
                Ok((grounds, Self { socket, process: Arc::new(PidFd::open(pid)?), pid, tier, supervisor }))
            }
            Said::Message(FromSlot::Refused(why), _) => {
                Err(io::Error::other(format!("no slot could be opened: {why}")))
            }
            Said::Message(
                FromSlot::Hello(_)
                | FromSlot::Started { .. }
                | FromSlot::Leads { .. }
                | FromSlot::Stuck { .. }
                | FromSlot::NotStarted(_)
                | FromSlot::LeaseTooShort
                | FromSlot::Ended(_)
                | FromSlot::Gone { .. },
                _,
            )
            | Said::End => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the supervisor is gone")),
        }
    }

    /// The slot's pid as the host sees it.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// How it holds its jobs' trees.
    pub(super) fn tier(&self) -> Tier {
        self.tier
    }

    /// Sends a message. Never waits.
    pub(super) fn tell(&self, what: &ToSlot, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        send_value(self.socket.as_fd(), what, fds)
    }

    /// Waits for the next message. May be dropped while it waits.
    pub(super) async fn hear(&self) -> io::Result<Said> {
        hear(&self.socket).await
    }

    /// SIGKILL to the slot process; the supervisor then ends its tree.
    pub(super) fn kill(&self) {
        // An error means that it has ended.
        let _ = self.process.kill();
    }

    /// The slot process itself, for killing it whatever becomes of the link.
    pub(super) fn process(&self) -> Arc<PidFd> {
        Arc::clone(&self.process)
    }

    /// The supervisor above it.
    pub(super) fn supervisor(&self) -> &Life {
        &self.supervisor
    }
}

async fn hear(socket: &AsyncFd<OwnedFd>) -> io::Result<Said> {
    loop {
        let mut ready = socket.readable().await?;
        match take(socket)? {
            Some(said) => return Ok(said),
            None => ready.clear_ready(),
        }
    }
}

/// What is there now. The buffer is here and not in the future above, which is moved about with all it holds.
fn take(socket: &AsyncFd<OwnedFd>) -> io::Result<Option<Said>> {
    let mut message = [0; LONGEST];
    Ok(match receive_value::<FromSlot>(socket.as_fd(), &mut message)? {
        Arrival::Value(value, _, pid) => Some(Said::Message(value, pid)),
        Arrival::End => Some(Said::End),
        Arrival::Nothing => None,
    })
}
