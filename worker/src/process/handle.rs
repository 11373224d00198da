//! The daemon's handles on its supervisor, slots and running jobs.

use super::{BootTime, Ended, JobSpec, Note};
use dayfly_common::model::KilledBy;
use std::{io, path::Path, time::Duration};
use tokio::sync::mpsc;

/// The supervisor process. Dropping it ends every slot and every job.
#[derive(Debug)]
pub struct Supervisor {
    _private: (),
}

/// A slot process, idle. It comes back by [`Run::ended`]; one that died is replaced by opening another.
#[derive(Debug)]
pub struct Slot {
    _private: (),
}

/// A started job.
#[derive(Debug)]
pub struct Run {
    /// The leader's pid as the host sees it.
    pub pid: i32,
    /// What it says while it runs. Must be read: a full channel makes further lines count as dropped, never blocks the job.
    pub notes: mpsc::Receiver<Note>,
    /// To end it or renew its lease.
    pub control: Control,
}

/// Ends a running job, or renews its lease; cheap to clone. Of no effect once the job has ended.
#[derive(Debug, Clone)]
pub struct Control {
    _private: (),
}

/// A job that did not start; nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program could not be started, for a reason that lies in the job or its task: says which step and why.
    #[error("{0}")]
    Spawn(String),
    /// Too little of the lease was left (less than half).
    #[error("too little of the lease is left to start")]
    LeaseTooShort,
    /// The slot process is gone.
    #[error("the slot died: {0}")]
    SlotGone(String),
}

impl Supervisor {
    /// Starts `exe supervisor` with a socket on fd 3.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn launch(exe: &Path) -> io::Result<Self> {
        let _ = exe;
        todo!()
    }

    /// A new slot process.
    ///
    /// # Errors
    /// The supervisor is gone (then the worker must end), or fork failed.
    pub async fn open_slot(&self) -> io::Result<Slot> {
        todo!()
    }
}

impl Slot {
    /// Starts a job.
    ///
    /// # Errors
    /// See [`StartError`]. The slot comes back unless it died.
    pub async fn start(self, spec: JobSpec) -> Result<(Run, RunEnd), (StartError, Option<Slot>)> {
        let _ = spec;
        todo!()
    }
}

/// Waits for the end of a job.
#[derive(Debug)]
pub struct RunEnd {
    _private: (),
}

impl RunEnd {
    /// The end of the job, and the slot again unless it died or must be retired. Returns only when the tree is gone (or
    /// unkillable) and all its output has been read.
    pub async fn ended(self) -> (Ended, Option<Slot>) {
        todo!()
    }
}

impl Control {
    /// TERM (and CONT) now, KILL after `grace`. A second call may only shorten the grace; the first cause stays.
    pub fn kill(&self, cause: KilledBy, grace: Duration) {
        let _ = (cause, grace);
        todo!()
    }

    /// Moves the lease limit on.
    pub fn renew(&self, lease_limit: BootTime) {
        let _ = lease_limit;
        todo!()
    }
}
