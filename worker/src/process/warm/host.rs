//! One host: started like a job's leader, but outside any job and without its limits, and asked for a child a job.

use super::{
    super::{
        BootTime, children,
        kill::signal,
        leader,
        refusal::Refusal,
        slot::Tools,
        sys::Spent,
        wire::{Arrival, Start, buffer, receive_value, send_value},
    },
    wire::{FromHost, JobOfHost, ToHost},
};
use nix::{
    fcntl::{OFlag, open},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::Signal,
        socket::{AddressFamily, SockFlag, SockType, socketpair},
        stat::Mode,
    },
    unistd::{SysconfVar, sysconf},
};
use std::{
    fs, io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    time::Duration,
};

/// A process that has loaded a task's code, and what it last said.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) key: String,
    pub(super) pid: i32,
    /// The latest of its jobs, or the one it was started for: what starts another like it.
    pub(super) start: Start,
    socket: OwnedFd,
    message: Vec<u8>,
    /// The child that waits for a job.
    pub(super) spare: Option<i32>,
    /// The wait status of its job's child.
    pub(super) ended: Option<i32>,
    pub(super) used: Option<Spent>,
    /// It has closed its socket: it has ended, or will not be asked again.
    pub(super) closed: bool,
    /// Jobs it was given.
    pub(super) jobs: u32,
    /// Larger: used later.
    pub(super) turn: u64,
    /// It has loaded its code and offered a child.
    pub(super) loaded: bool,
    /// When it is given up if it loads for nobody: no job's deadline ends that. `None`: a job has asked for it.
    pub(super) load_by: Option<BootTime>,
}

impl Host {
    /// Starts one for a job's task.
    pub(super) fn start(tools: &mut Tools, start: &Start, key: &str, dir: &Path) -> Result<Self, Refusal> {
        let at = |what: &'static str| move |error: io::Error| Refusal::at(what, &error);
        let (socket, theirs) = pair().map_err(at("the socket of its warm host"))?;
        let (null, log) = standard().map_err(at("the descriptors of its warm host"))?;
        let mut plan = leader::plan(&Start { env: environment(&start.env), ..start.clone() })?;
        plan.nice = None;
        plan.no_new_privs = start.no_new_privs;
        plan.dir = leader::folder(dir)?;
        let pid =
            tools.area.start(&plan, [null.as_fd(), log.as_fd(), log.as_fd(), theirs.as_fd()]).map_err(|failure| {
                let programs = leader::candidates(start.argv.first().map_or("", String::as_str), &start.env);
                Refusal::of(start, &programs, &failure)
            })?;
        Ok(Self {
            key: key.to_owned(),
            pid,
            start: start.clone(),
            socket,
            message: buffer(),
            spare: None,
            ended: None,
            used: None,
            closed: false,
            jobs: 0,
            turn: 0,
            loaded: false,
            load_by: None,
        })
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Takes in all that it has said.
    pub(super) fn listen(&mut self) {
        while !self.closed {
            match receive_value::<FromHost>(self.socket.as_fd(), &mut self.message) {
                Ok(Arrival::Value(FromHost::Ready { pid }, _, _)) => {
                    // A host may not offer somebody else's process.
                    let own = children::parent_of(pid) == Some(self.pid);
                    if own { (self.spare, self.loaded) = (Some(pid), true) } else { self.closed = true }
                }
                Ok(Arrival::Value(FromHost::Ended { status }, _, _)) => self.ended = Some(status),
                Ok(Arrival::Value(FromHost::Used(used), _, _)) => self.used = Some(used.into()),
                Ok(Arrival::Nothing) => return,
                Ok(Arrival::End) | Err(_) => self.closed = true,
            }
        }
    }

    /// Gives the waiting child its job.
    pub(super) fn hand_over(&self, job: &JobOfHost<'_>, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        send_value(self.socket.as_fd(), job, fds)
    }

    /// Has the ended child reaped, and another made.
    pub(super) fn ask_next(&self) -> io::Result<()> {
        send_value(self.socket.as_fd(), &ToHost::Next {}, &[])
    }

    /// Waits until it has said something, or closed.
    pub(super) fn wait(&self, at_most: Duration) {
        let timeout = PollTimeout::try_from(at_most).unwrap_or(PollTimeout::MAX);
        // An error is as good as nothing said: the caller's own bound holds.
        let _ = poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], timeout);
    }

    /// What it holds in memory, bytes (proc_pid_statm(5)); `None` when it has ended.
    pub(super) fn memory(&self) -> Option<u64> {
        let pages = fs::read_to_string(format!("/proc/{}/statm", self.pid)).ok()?;
        let resident: u64 = pages.split(' ').nth(1)?.parse().ok()?;
        let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten()?;
        Some(resident * u64::try_from(page).ok()?)
    }

    /// Its children, as the kernel lists them.
    pub(super) fn children(&self) -> Vec<i32> {
        children::of_process(self.pid)
    }

    /// Ends it and the child that waits.
    pub(super) fn kill(&self) {
        signal(self.pid, Signal::SIGKILL);
        self.kill_spare();
    }

    pub(super) fn kill_spare(&self) {
        if let Some(spare) = self.spare {
            signal(spare, Signal::SIGKILL);
        }
    }
}

/// The environment while the code is loaded: the task's, and nothing of the one job for which that begins. `DAYFLY_HOST` and
/// `DAYFLY_DIR` are what the next worker's start knows it by ([`super::super::sweep`]).
fn environment(of_job: &[(String, String)]) -> Vec<(String, String)> {
    let of_task = |name: &str| name == "DAYFLY_DIR" || !(name.starts_with("DAYFLY_") || name == "TRACEPARENT");
    let mut all: Vec<_> = of_job.iter().filter(|(name, _)| of_task(name)).cloned().collect();
    all.push(("DAYFLY_HOST".to_owned(), "1".to_owned()));
    all
}

/// Both ends are numbered 4 or above, as a leader's start wants them: a slot's lower numbers are taken for good.
fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?)
}

/// Nothing to read, and the worker's own standard error, which is where a host speaks before it has a job.
fn standard() -> io::Result<(OwnedFd, OwnedFd)> {
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    Ok((null, io::stderr().as_fd().try_clone_to_owned()?))
}
