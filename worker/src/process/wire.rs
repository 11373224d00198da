//! What daemon, supervisor and slot say to each other: JSON, one value a message, over `SOCK_SEQPACKET`.
//!
//! ```text
//!   daemon -> supervisor   OpenSlot (with the slot's end of a new socket pair)
//!   daemon -> slot         Start (with stdin, stdout, stderr, events)  Kill  Renew  Shorten
//!   slot -> daemon         Hello  Started | NotStarted | LeaseTooShort  Ended
//!   supervisor -> daemon   Refused  Gone      (on the slot's socket, of which it keeps a copy)
//! ```
//!
//! A message that would not fit a socket buffer travels in a sealed memory file, its descriptor as the last one.

use super::{
    cgroup::{Holders, Swept},
    limits::{Bounds, LimitHit},
    refusal::Refusal,
    sys::{Received, receive, send, send_as},
    tier::Tier,
};
use dayfly_common::model::KilledBy;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, SealFlag, fcntl},
    sys::memfd::{MFdFlags, memfd_create},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// Longest message sent as it is; longer ones go through a memory file.
const INLINE: usize = 32 * 1024;
/// What stands in a message whose text is in the memory file that comes with it.
const IN_FILE: &[u8] = b"file";
/// Longest message read at all: far above what `execve(2)` takes (6 MiB of arguments and environment).
const LONGEST: u64 = 64 << 20;

/// To the supervisor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToSupervisor {
    /// A new slot, on the socket that comes with this.
    OpenSlot(Tier),
    /// Hold the lock that comes with this, in this process and in every slot from now on.
    Hold,
}

/// To a slot.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToSlot {
    /// Run a job.
    Start(Box<Start>),
    /// TERM now, KILL after this.
    Kill {
        /// Why.
        cause: KilledBy,
        /// From TERM to KILL.
        grace_ns: u64,
    },
    /// The lease's new limit, `CLOCK_BOOTTIME`, when that is later.
    Renew {
        /// L.
        limit_ns: u64,
    },
    /// The lease's new limit, when that is sooner.
    Shorten {
        /// L.
        limit_ns: u64,
    },
}

/// A job as its slot needs it. Times are `CLOCK_BOOTTIME` or lengths, ns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Start {
    pub(super) argv: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) dir: std::path::PathBuf,
    pub(super) timeout_ns: u64,
    pub(super) grace_ns: u64,
    pub(super) lease_limit_ns: u64,
    pub(super) lease_ttl_ns: u64,
    pub(super) bounds: Bounds,
    pub(super) identity: Option<(u32, u32)>,
    pub(super) no_new_privs: bool,
    pub(super) sandbox: Option<Sandboxed>,
    pub(super) patience_ns: u64,
    /// A job of a warm task: `argv` is its host's.
    pub(super) warmth: Option<Warmth>,
}

/// What a slot must know of a warm task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Warmth {
    /// The same for jobs that one host may run.
    pub(super) key: String,
    /// Where the host starts.
    pub(super) dir: std::path::PathBuf,
    /// It is replaced after so many.
    pub(super) max_jobs: u32,
    /// And when it holds more than this, bytes.
    pub(super) max_memory: Option<u64>,
}

/// What [`Start`] says of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sandboxed {
    /// Writes only its own folders.
    Workdir,
}

/// What the supervisor found when it came up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grounds {
    pub(super) holders: Holders,
    /// Of yards of dead supervisors.
    pub(super) swept: Swept,
}

/// From a slot, or from the supervisor about it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromSlot {
    /// It is there; sent in its own name (`SO_PASSCRED` gives its pid).
    Hello(Grounds),
    /// The supervisor could not fork it.
    Refused(String),
    /// The leader runs; sent in its name where pids mean something else than for the daemon.
    Started {
        /// Its pid as the slot sees it.
        pid: i32,
    },
    /// The leader is this process from now on: a child of a warm host, which ran alone until now.
    Leads {
        /// Its pid as the slot sees it; sent in its name as above.
        pid: i32,
    },
    /// Something of the job has not died within 3 s; the slot goes on trying when it may.
    Stuck {
        /// Which processes, and where they hang.
        remains: String,
    },
    /// The leader could not be started.
    NotStarted(Refusal),
    /// The start gate is shut.
    LeaseTooShort,
    /// Nothing of the job is left.
    Ended(JobEnd),
    /// The slot died and nothing of its job is left.
    Gone {
        /// But for what SIGKILL does not end.
        unkillable: bool,
    },
}

/// The end of a job as its slot saw it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct JobEnd {
    /// The leader's wait status, unless it could not be reaped.
    pub(super) status: Option<i32>,
    pub(super) killed_by: Option<KilledBy>,
    pub(super) kill_ns: Option<u64>,
    pub(super) wall_ns: u64,
    pub(super) cpu_ns: u64,
    pub(super) max_rss: u64,
    pub(super) voluntary_switches: u64,
    pub(super) involuntary_switches: u64,
    pub(super) limit: Option<LimitHit>,
    pub(super) unkillable: bool,
}

/// Sends one value with descriptors.
pub(super) fn send_value(to: BorrowedFd<'_>, value: &impl Serialize, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let text = serde_json::to_vec(value)?;
    if text.len() <= INLINE {
        return send(to, &text, fds);
    }
    let file = sealed_file(&text)?;
    let mut fds = fds.to_vec();
    fds.push(file.as_fd());
    send(to, IN_FILE, &fds)
}

/// Sends one value in the name of `pid`, so that the receiver learns what that process is called where it is. Falls back
/// to the sender's own name where that is not allowed.
pub(super) fn send_value_as(to: BorrowedFd<'_>, value: &impl Serialize, pid: i32) -> io::Result<()> {
    let text = serde_json::to_vec(value)?;
    send_as(to, &text, pid).or_else(|_| send(to, &text, &[]))
}

/// A memory file with this content, at its beginning, which nobody can change.
pub(super) fn sealed_file(content: &[u8]) -> io::Result<OwnedFd> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let mut file = File::from(memfd_create(c"dayfly", flags)?);
    file.write_all(content)?;
    file.seek(SeekFrom::Start(0))?;
    let seals = SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file.into())
}

/// What arrived.
#[derive(Debug)]
pub(super) enum Arrival<T> {
    /// A value, its descriptors, and the pid it speaks of where the socket asks for that.
    Value(T, Vec<OwnedFd>, Option<i32>),
    /// Nothing there yet.
    Nothing,
    /// The other side has closed.
    End,
}

/// Receives one value without waiting.
///
/// # Errors
/// The socket is broken, or the message is not one of ours.
pub(super) fn receive_value<T: DeserializeOwned>(from: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Arrival<T>> {
    let Received { len, mut fds, pid } = match receive(from, buffer) {
        Ok(received) => received,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Arrival::Nothing),
        Err(error) => return Err(error),
    };
    if len == 0 {
        return Ok(Arrival::End);
    }
    let inline = buffer.get(..len).ok_or(Errno::EMSGSIZE)?;
    let value = if inline == IN_FILE {
        let file = fds.pop().ok_or(Errno::EBADMSG)?;
        let mut text = Vec::new();
        File::from(file).take(LONGEST).read_to_end(&mut text)?;
        serde_json::from_slice(&text)?
    } else {
        serde_json::from_slice(inline)?
    };
    Ok(Arrival::Value(value, fds, pid))
}

/// A buffer that any inline message fits.
pub(super) fn buffer() -> Vec<u8> {
    vec![0; INLINE]
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

    fn pair() -> (OwnedFd, OwnedFd) {
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap()
    }

    #[test]
    fn last_words_are_heard_of_one_that_left_messages_unread() {
        let (ours, theirs) = pair();
        send_value(ours.as_fd(), &ToSlot::Renew { limit_ns: 1 }, &[]).unwrap();
        send_value(theirs.as_fd(), &FromSlot::Gone { unkillable: false }, &[]).unwrap();
        drop(theirs);
        let mut buffer = buffer();
        let said = receive_value::<FromSlot>(ours.as_fd(), &mut buffer).unwrap();
        assert!(matches!(said, Arrival::Value(FromSlot::Gone { unkillable: false }, _, _)));
        assert!(matches!(receive_value::<FromSlot>(ours.as_fd(), &mut buffer), Ok(Arrival::End)));
    }

    fn start(argument: String) -> ToSlot {
        ToSlot::Start(Box::new(Start {
            argv: vec!["/bin/true".into(), argument],
            env: vec![("A".into(), "b=c\n".into())],
            dir: "/".into(),
            timeout_ns: u64::MAX,
            grace_ns: 0,
            lease_limit_ns: 1,
            lease_ttl_ns: 2,
            identity: Some((1, 2)),
            bounds: Bounds::default(),
            no_new_privs: true,
            sandbox: None,
            patience_ns: 0,
            warmth: None,
        }))
    }

    #[test]
    fn short_and_long_messages_arrive_whole_with_their_descriptors() {
        for length in [0, 1000, INLINE, 5_000_000] {
            let (here, there) = pair();
            send_value(here.as_fd(), &start("x".repeat(length)), &[here.as_fd(), there.as_fd()]).unwrap();
            let arrival = receive_value::<ToSlot>(there.as_fd(), &mut buffer()).unwrap();
            let Arrival::Value(ToSlot::Start(start), fds, _) = arrival else { panic!("not a start: {arrival:?}") };
            assert_eq!(start.argv.last().map(String::len), Some(length));
            assert_eq!(fds.len(), 2);
        }
    }

    #[test]
    fn nothing_and_the_end_are_told_apart() {
        let (here, there) = pair();
        assert!(matches!(receive_value::<ToSlot>(there.as_fd(), &mut buffer()), Ok(Arrival::Nothing)));
        drop(here);
        assert!(matches!(receive_value::<ToSlot>(there.as_fd(), &mut buffer()), Ok(Arrival::End)));
    }

    #[test]
    fn foreign_messages_are_errors() {
        for text in ["{", "file", "null", "{\"kill\":{}}", "\u{1}\u{2}"] {
            let (here, there) = pair();
            send(here.as_fd(), text.as_bytes(), &[]).unwrap();
            assert!(receive_value::<ToSlot>(there.as_fd(), &mut buffer()).is_err(), "{text}");
        }
    }
}
