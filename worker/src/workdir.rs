//! Folders: one per worker, and in it one per running job, empty at the start of every attempt.
//!
//! ```text
//!   <state_dir>/workers/<worker id>/lock     held by that worker's daemon, supervisor and slots: free when all have ended
//!                                  /boot     the boot of the host that the worker was started in
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
    os::fd::{AsFd as _, BorrowedFd},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tracing::warn;

/// This worker's folder, locked while it lives; several workers may share one state folder.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    made: AtomicU64,
    untouched: Arc<Mutex<Vec<PathBuf>>>,
    /// Something that this worker held could not be given back.
    in_debt: AtomicBool,
    lock: Flock<File>,
}

/// The folder of a worker that has ended without removing it, locked. Nothing of that worker is alive on this host: its
/// slots, which end their jobs before they end themselves, held the lock too.
#[derive(Debug)]
pub(crate) struct Predecessor {
    path: PathBuf,
    _lock: Flock<File>,
}

/// A job's folder. When dropped it is removed with everything in it, or kept for another job if this one left no trace.
#[derive(Debug)]
pub(crate) struct JobDir {
    path: PathBuf,
    untouched: Arc<Mutex<Vec<PathBuf>>>,
}

/// The name of the file with the boot's id.
const BOOT: &str = "boot";
const MAKE_TRIES: u32 = 100;
/// For this user alone.
const MODE: u32 = 0o700;
/// For folders above: another user gets through to what is given to it, and cannot look around.
const MODE_ABOVE: u32 = 0o711;

impl Home {
    /// Makes and locks this worker's folder.
    ///
    /// # Errors
    /// The folder cannot be made or locked.
    pub(crate) fn open(state_dir: &Path, worker: &str) -> io::Result<Self> {
        let path = state_dir.join("workers").join(worker);
        let lock = make(&path)?;
        if let Some(boot) = this_boot() {
            fs::write(path.join(BOOT), boot)?;
        }
        Ok(Self { path, made: AtomicU64::new(0), untouched: Arc::default(), in_debt: AtomicBool::new(false), lock })
    }

    /// A folder beside those of jobs, readable for every user; removed with the rest.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// To be held by all that end this worker's jobs.
    pub(crate) fn lock(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }

    /// Leaves the folder behind, so that the next worker here gives back what this one could not.
    pub(crate) fn leave_to_recovery(&self) {
        self.in_debt.store(true, Ordering::Relaxed);
    }

    /// The workers of this state folder that have ended without removing their folders, each once: killed ones, with all
    /// that ended their jobs for them.
    pub(crate) fn predecessors(&self) -> Vec<Predecessor> {
        let all = self.path.parent().and_then(|all| fs::read_dir(all).ok());
        let others = all.into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| *path != self.path);
        others.filter_map(|path| Some(Predecessor { _lock: lock(&path).ok()??, path })).collect()
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

impl Predecessor {
    /// The worker's id.
    pub(crate) fn worker(&self) -> Option<&str> {
        self.path.file_name()?.to_str()
    }

    /// It ran on this host since its last boot: what the locks tell here is the whole truth. A shared folder may hold those of
    /// other hosts, where a lock may be seen or not.
    pub(crate) fn ran_here(&self) -> bool {
        fs::read_to_string(self.path.join(BOOT)).ok().is_some_and(|boot| this_boot() == Some(boot))
    }

    /// Removes its folder.
    pub(crate) fn remove(self) {
        remove(&self.path);
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !self.in_debt.load(Ordering::Relaxed) {
            remove(&self.path);
        }
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

/// Makes and locks a worker's folder. Another worker that looks for predecessors may take it for one in between, hold its
/// lock for a moment and remove it.
fn make(path: &Path) -> io::Result<Flock<File>> {
    for _ in 0..MAKE_TRIES {
        DirBuilder::new().mode(MODE_ABOVE).recursive(true).create(path.join("jobs"))?;
        match lock(path) {
            Ok(Some(held)) if is_in(&held, path) => return Ok(held),
            Ok(_) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("another process holds the lock in {}", path.display())))
}

/// Whether the locked file is the one that stands there now.
fn is_in(held: &File, path: &Path) -> bool {
    match (held.metadata(), fs::metadata(path.join("lock")), fs::metadata(path.join("jobs"))) {
        (Ok(held), Ok(there), Ok(_)) => held.ino() == there.ino(),
        _ => false,
    }
}

/// The id that Linux gives each boot (`random(4)`).
fn this_boot() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
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
        let new = Home::open(state.path(), "new-1").expect("a home");
        let found = new.predecessors();
        assert_eq!(found.iter().map(Predecessor::worker).collect::<Vec<_>>(), [Some("dead-1")]);
        assert!(new.predecessors().is_empty(), "one at a time has it");
        assert!(!found[0].ran_here(), "it says nothing of its boot");
        fs::write(dead.join(BOOT), "another boot").expect("a file");
        assert!(!found[0].ran_here());
        fs::copy(living.path.join(BOOT), dead.join(BOOT)).expect("copied");
        assert!(found[0].ran_here());
        found.into_iter().for_each(Predecessor::remove);
        assert!(!dead.exists() && living.path.exists());
        // Whoever holds a copy of the descriptor holds the lock.
        let copy = living.lock().try_clone_to_owned().expect("a copy");
        std::mem::forget(living);
        assert!(new.predecessors().is_empty());
        drop(copy);
    }
}
