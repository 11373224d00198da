//! The daemon's handles on its supervisor, slots and running jobs.

use super::{
    BootTime, Ended, JobSpec, Note,
    cgroup::{Holders, Swept},
    drive::{Command, Driver},
    launch::{self, Life, socket_pair},
    link::Link,
    output::{Output, Said},
    selftest, start,
    tier::{Isolation, Tier},
    wire::{Grounds, ToSupervisor, send_value},
};
use dayfly_common::{model::KilledBy, queue::Progress};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{OnceCell, mpsc, watch},
    task::JoinHandle,
};

/// The supervisor process. Dropping it ends every slot and every job.
#[derive(Debug)]
pub struct Supervisor {
    socket: OwnedFd,
    life: Arc<Life>,
    exe: PathBuf,
    isolation: Isolation,
    found: OnceCell<TierFound>,
}

/// Which tier is in use, and why no better one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierFound {
    /// The best one that passed its test.
    pub tier: Tier,
    /// The better ones that did not, and why.
    pub refused: Vec<(Tier, String)>,
    /// What holds the limits of jobs.
    pub holders: Holders,
    /// What was left of workers that were killed as a whole, and has been ended.
    pub swept: Swept,
}

/// A slot process, idle. It comes back by [`Run::ended`]; one that died is replaced by opening another.
#[derive(Debug)]
pub struct Slot {
    pub(super) link: Link,
}

/// A started job.
#[derive(Debug)]
pub struct Run {
    /// The leader's pid as the host sees it.
    pub pid: i32,
    /// What it says while it runs. Must be read: a full channel makes further lines count as dropped, never blocks the job.
    pub notes: mpsc::Receiver<Note>,
    /// How far it says it is; only the latest is kept.
    pub progress: watch::Receiver<Option<Progress>>,
    /// To end it or renew its lease.
    pub control: Control,
}

/// Ends a running job, or renews its lease; cheap to clone. Of no effect once the job has ended.
#[derive(Debug, Clone)]
pub struct Control {
    pub(super) commands: mpsc::UnboundedSender<Command>,
}

/// A job that did not start; nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program could not be started, for a reason that lies in the job or its task: says which step and why.
    #[error("{0}")]
    Spawn(String),
    /// The host lacks something at the moment (descriptors, processes, memory, disk), and the job is not to blame: says what.
    #[error("{0}")]
    Host(String),
    /// Too little of the lease was left (less than half).
    #[error("too little of the lease is left to start")]
    LeaseTooShort,
    /// The slot process is gone.
    #[error("the slot died: {0}")]
    SlotGone(String),
}

/// Waits for the end of a job. Dropping it ends the job at once, without grace.
#[derive(Debug)]
pub struct RunEnd {
    task: JoinHandle<(Ended, Option<Slot>)>,
}

impl Supervisor {
    /// Starts `exe supervisor` with a socket on fd 3.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn launch(exe: &Path) -> io::Result<Self> {
        Self::launch_with(exe, Isolation::Auto)
    }

    /// As [`Supervisor::launch`], with a given isolation.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn launch_with(exe: &Path, isolation: Isolation) -> io::Result<Self> {
        let (socket, life) = launch::launch(exe)?;
        Ok(Self { socket, life: Arc::new(life), exe: exe.to_owned(), isolation, found: OnceCell::new() })
    }

    /// The tier in use. The first call tries them out, with a small hostile tree in each (some ten ms).
    ///
    /// # Errors
    /// None of those allowed works here, or the supervisor is gone.
    pub async fn tier(&self) -> io::Result<&TierFound> {
        self.found.get_or_try_init(|| self.find_tier()).await
    }

    async fn find_tier(&self) -> io::Result<TierFound> {
        let mut refused = Vec::new();
        for tier in self.isolation.tiers() {
            match selftest::try_tier(self, &self.exe, *tier).await {
                Ok(Grounds { holders, swept }) => return Ok(TierFound { tier: *tier, refused, holders, swept }),
                Err(error) => refused.push((*tier, error.to_string())),
            }
        }
        let why: Vec<String> = refused.iter().map(|(tier, why)| format!("{tier}: {why}")).collect();
        Err(io::Error::other(format!("no job can be run safely here ({})", why.join("; "))))
    }

    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.life.pid()
    }

    /// Waits until it has ended, and with it every slot: then nothing more can be run.
    ///
    /// # Errors
    /// It cannot be watched.
    pub async fn ended(&self) -> io::Result<()> {
        self.life.ended().await
    }

    /// Has the supervisor and every slot opened from now on hold a lock (`flock(2)`) along with this process: it is free only
    /// when all of them have ended, and with them every job.
    ///
    /// # Errors
    /// The supervisor is gone.
    pub fn hold(&self, lock: BorrowedFd<'_>) -> io::Result<()> {
        send_value(self.socket.as_fd(), &ToSupervisor::Hold, &[lock])
    }

    /// A new slot process.
    ///
    /// # Errors
    /// The supervisor is gone (then the worker must end), or fork failed.
    pub async fn open_slot(&self) -> io::Result<Slot> {
        self.open_slot_in(self.tier().await?.tier).await.map(|(slot, _)| slot)
    }

    /// A new slot of a tier that may not have been tried yet.
    pub(super) async fn open_slot_in(&self, tier: Tier) -> io::Result<(Slot, Grounds)> {
        let (ours, theirs) = socket_pair()?;
        send_value(self.socket.as_fd(), &ToSupervisor::OpenSlot(tier), &[theirs.as_fd()])?;
        // This copy would hide the slot's end.
        drop(theirs);
        let (grounds, link) = Link::open(ours, tier, Arc::clone(&self.life)).await?;
        Ok((Slot { link }, grounds))
    }
}

impl Slot {
    /// The pid of the slot process as the host sees it.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.link.pid()
    }

    /// Starts a job.
    ///
    /// # Errors
    /// See [`StartError`]. The slot comes back unless it died.
    pub async fn start(self, spec: JobSpec) -> Result<(Run, RunEnd), (StartError, Option<Slot>)> {
        start::start(self, spec).await
    }
}

impl Run {
    pub(super) fn begin(pid: i32, said: Said, driver: Driver, output: Output) -> (Self, RunEnd) {
        let (commands, received) = mpsc::unbounded_channel();
        let task = tokio::spawn(driver.run(output, received));
        let Said { notes, progress } = said;
        (Self { pid, notes, progress, control: Control { commands } }, RunEnd { task })
    }
}

impl RunEnd {
    /// The end of the job, and the slot again unless it died or must be retired. Returns only when the tree is gone (or
    /// unkillable) and all its output has been read.
    ///
    /// # Panics
    /// When the job's own task panicked.
    pub async fn ended(mut self) -> (Ended, Option<Slot>) {
        match (&mut self.task).await {
            Ok(ended) => ended,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime shuts down; the slot sees its socket close.
                Err(_) => (Ended::unknown(), None),
            },
        }
    }
}

impl Drop for RunEnd {
    fn drop(&mut self) {
        // The driver's end of the slot's socket closes with it.
        self.task.abort();
    }
}

impl Control {
    /// TERM (and CONT) now, KILL after `grace`. A second call may only shorten the grace; the first cause stays.
    pub fn kill(&self, cause: KilledBy, grace: Duration) {
        // No receiver: the job has ended.
        let _ = self.commands.send(Command::Kill(cause, grace));
    }

    /// Moves the lease limit on.
    pub fn renew(&self, lease_limit: BootTime) {
        let _ = self.commands.send(Command::Renew(lease_limit));
    }

    /// Takes the lease limit back, when it is later than this.
    pub fn shorten(&self, lease_limit: BootTime) {
        let _ = self.commands.send(Command::Shorten(lease_limit));
    }
}
