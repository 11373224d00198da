//! Folders: one per worker, and in it one per running job, empty at the start of every attempt.
//!
//! ```text
//!   <state_dir>/workers/<worker id>/lock     held while that worker lives
//!                                  /jobs/<number>
//! ```
//!
//! Making and removing a folder costs a journalled file system more than a short job does, so one that a job has left as it
//! found it serves the next job.

use nix::{
    fcntl::{Flock, FlockArg},
    unistd::Uid,
};
use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tracing::{info, warn};

/// This worker's folder, locked while it lives; several workers may share one state folder.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    made: AtomicU64,
    untouched: Arc<Mutex<Vec<PathBuf>>>,
    _lock: Flock<File>,
}

/// A job's folder. When dropped it is removed with everything in it, or kept for another job if this one left no trace.
#[derive(Debug)]
pub(crate) struct JobDir {
    path: PathBuf,
    untouched: Arc<Mutex<Vec<PathBuf>>>,
}

/// For this user alone.
const MODE: u32 = 0o700;
/// For folders above: another user gets through to what is given to it, and cannot look around.
const MODE_ABOVE: u32 = 0o711;

impl Home {
    /// Makes and locks this worker's folder, and removes those of workers that were killed.
    ///
    /// # Errors
    /// The folder cannot be made or locked.
    pub(crate) fn open(state_dir: &Path, worker: &str) -> io::Result<Self> {
        let all = state_dir.join("workers");
        let path = all.join(worker);
        DirBuilder::new().mode(MODE_ABOVE).recursive(true).create(path.join("jobs"))?;
        let lock = lock(&path)?.ok_or_else(|| io::Error::other("another process holds its lock"))?;
        remove_leftovers(&all, &path);
        Ok(Self { path, made: AtomicU64::new(0), untouched: Arc::default(), _lock: lock })
    }

    /// An empty folder for an attempt, for this user alone.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(crate) fn job_dir(&self) -> io::Result<JobDir> {
        let untouched = Arc::clone(&self.untouched);
        let reused = lock_list(&self.untouched).pop();
        if let Some(path) = reused {
            return Ok(JobDir { path, untouched });
        }
        let path = self.path.join("jobs").join(self.made.fetch_add(1, Ordering::Relaxed).to_string());
        DirBuilder::new().mode(MODE).create(&path)?;
        Ok(JobDir { path, untouched })
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

    /// Makes another user its owner. It is removed afterwards, never used again.
    ///
    /// # Errors
    /// The worker may not do that: it is not root.
    pub(crate) fn give_to(&self, user: u32, group: u32) -> io::Result<()> {
        std::os::unix::fs::chown(&self.path, Some(user), Some(group))
    }
}

impl Drop for JobDir {
    fn drop(&mut self) {
        // Nothing of the job is alive any more, so nothing writes here from now on.
        if is_untouched(&self.path) {
            lock_list(&self.untouched).push(std::mem::take(&mut self.path));
        } else {
            remove(&self.path);
        }
    }
}

fn lock_list(list: &Mutex<Vec<PathBuf>>) -> MutexGuard<'_, Vec<PathBuf>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A real folder of our own, with the mode it was made with and nothing in it.
fn is_untouched(path: &Path) -> bool {
    let as_made = fs::symlink_metadata(path).is_ok_and(|found| {
        found.is_dir() && found.permissions().mode() & 0o7777 == MODE && found.uid() == Uid::effective().as_raw()
    });
    as_made && fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_a_trace_of_a_job_never_serves_another() {
        let state = tempfile::tempdir().expect("a folder");
        let home = Home::open(state.path(), "w-1").expect("a home");
        let first = home.job_dir().expect("a folder").path().to_owned();
        assert_eq!(home.job_dir().expect("a folder").path(), first, "left as it was found");
        type Trace = fn(&Path);
        let traces: [Trace; 4] = [
            |path| fs::write(path.join("file"), "x").expect("a file"),
            |path| fs::create_dir_all(path.join("deep/er")).expect("folders"),
            |path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode"),
            |path| fs::remove_dir(path).expect("removed"),
        ];
        for trace in traces {
            let dir = home.job_dir().expect("a folder");
            let path = dir.path().to_owned();
            trace(&path);
            drop(dir);
            assert!(!path.exists());
            let next = home.job_dir().expect("a folder");
            assert!(next.path() != path && is_untouched(next.path()));
        }
    }

    #[test]
    fn the_folder_of_a_killed_worker_goes_and_that_of_a_living_one_stays() {
        let state = tempfile::tempdir().expect("a folder");
        let living = Home::open(state.path(), "living-1").expect("a home");
        let dead = state.path().join("workers/dead-1");
        fs::create_dir_all(dead.join("jobs/0/data")).expect("folders");
        let _new = Home::open(state.path(), "new-1").expect("a home");
        assert!(!dead.exists() && living.path.exists());
    }
}
