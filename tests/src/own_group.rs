//! A control group of a test's own, for tests whose programs fork without end: it bounds their number, and what supervisors
//! make and sweep in it is no other test's.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// Processes of one test, zombies included: enough for every tree here, and a small part of what a machine can take.
const MOST: u32 = 3000;
/// How often its removal is tried, every 10 ms.
const REMOVE_TRIES: u32 = 100;

/// This process and all that it starts are in it, until it is dropped. Of no effect where groups cannot be made.
#[derive(Debug)]
pub struct OwnGroup {
    /// The group, and the one it was entered from.
    path: Option<(PathBuf, PathBuf)>,
}

impl OwnGroup {
    /// Makes and enters it.
    #[must_use]
    pub fn enter() -> Self {
        let path = home().and_then(|home| {
            let path = home.join(format!("test-{}", std::process::id()));
            fs::create_dir(&path).ok()?;
            let entered = fs::write(path.join("pids.max"), MOST.to_string())
                .and_then(|()| fs::write(path.join("cgroup.procs"), "0"));
            if entered.is_err() {
                // Nobody is in it.
                let _ = fs::remove_dir(&path);
                return None;
            }
            Some((path, home))
        });
        Self { path }
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.path.is_some()
    }
}

impl Drop for OwnGroup {
    fn drop(&mut self) {
        if let Some((path, home)) = &self.path {
            // A test has failed or passed by now; this only tidies up. What it has dropped may still be ending.
            let _ = fs::write(home.join("cgroup.procs"), "0");
            for _ in 0..REMOVE_TRIES {
                if remove(path).is_ok() {
                    return;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// Removes a group and those in it, which killed supervisors leave; fails while there is a process in one.
fn remove(group: &Path) -> io::Result<()> {
    for inner in fs::read_dir(group)?.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove(&inner.path())?;
    }
    fs::remove_dir(group)
}

/// This process' group in the hierarchy that counts processes (version 1, or 2 where it does that).
fn home() -> Option<PathBuf> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let own = |name: &str| {
        own.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            controllers.split(',').any(|controller| controller == name).then(|| path.trim_start_matches('/').to_owned())
        })
    };
    let mounted = |kind: &str, option: &str| {
        mounts.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            let fits = *fields.get(2)? == kind && (option.is_empty() || fields.get(3)?.split(',').any(|o| o == option));
            fits.then(|| PathBuf::from(fields[1]))
        })
    };
    match own("pids") {
        Some(path) => Some(mounted("cgroup", "pids")?.join(path)),
        None => Some(mounted("cgroup2", "")?.join(own("")?)),
    }
}
