//! Folders: one per worker, and in it one per running job, made fresh for every attempt and removed after it.
//!
//! ```text
//!   <state_dir>/workers/<worker id>/lock     held while that worker lives
//!                                  /jobs/<job id>.<fence>
//! ```

use dayfly_common::model::{Fence, JobId};
use nix::fcntl::{Flock, FlockArg};
use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};
use tracing::{info, warn};

/// This worker's folder, locked while it lives; several workers may share one state folder.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    _lock: Flock<File>,
}

/// A job's folder. Removed with everything in it when dropped.
#[derive(Debug)]
pub(crate) struct JobDir {
    path: PathBuf,
}

impl Home {
    /// Makes and locks this worker's folder, and removes those of workers that were killed.
    ///
    /// # Errors
    /// The folder cannot be made or locked.
    pub(crate) fn open(state_dir: &Path, worker: &str) -> io::Result<Self> {
        let all = state_dir.join("workers");
        let path = all.join(worker);
        DirBuilder::new().mode(0o700).recursive(true).create(path.join("jobs"))?;
        let lock = lock(&path)?.ok_or_else(|| io::Error::other("another process holds its lock"))?;
        remove_leftovers(&all, &path);
        Ok(Self { path, _lock: lock })
    }

    /// A fresh folder for an attempt, for this user alone.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(crate) fn job_dir(&self, id: JobId, fence: &Fence) -> io::Result<JobDir> {
        let path = self.path.join("jobs").join(format!("{id}.{fence}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(JobDir { path })
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

impl JobDir {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for JobDir {
    fn drop(&mut self) {
        // Nothing of the job is alive any more, so nothing writes here while it is removed.
        remove(&self.path);
    }
}

/// `None`: another process holds it.
fn lock(folder: &Path) -> io::Result<Option<Flock<File>>> {
    let file = File::options().create(true).append(true).open(folder.join("lock"))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}

fn remove_leftovers(all: &Path, own: &Path) {
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let folder = entry.path();
        if folder != own && matches!(lock(&folder), Ok(Some(_))) {
            info!(folder = %folder.display(), "removing what a killed worker left");
            remove(&folder);
        }
    }
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != io::ErrorKind::NotFound
    {
        warn!(folder = %folder.display(), %error, "a folder could not be removed");
    }
}
