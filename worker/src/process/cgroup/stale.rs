//! Ending what a supervisor has left in its yard when it was killed together with its daemon and slots.
//!
//! A process that may not write control groups cannot leave its own, and a group that allows no process more (`pids.max` = 0) lets none fork. So here even
//! those are met that fork and end without a pause, have left every session, and have cleared their environment.

use super::yard::{PREFIX, lock};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Processes that SIGKILL has not ended by then hang in the kernel.
const BOUND: Duration = Duration::from_secs(3);
const ROUND: Duration = Duration::from_millis(1);

/// What a sweep has found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Swept {
    /// Processes that were found and killed.
    pub killed: usize,
    /// Pids of processes that should have died and did not.
    pub left: Vec<i32>,
}

impl Swept {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.killed += other.killed;
        self.left.extend(other.left);
        self
    }
}

/// Ends what is in the yards of dead supervisors in these groups, and removes them.
pub(super) fn sweep<'a>(parents: impl Iterator<Item = &'a Path>) -> Swept {
    let mut swept = Swept::default();
    for parent in parents {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let yard = entry.path();
            if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
                continue;
            }
            // Held while it is emptied, so that two starting workers do not do it both.
            if let Ok(Some(_lock)) = lock(&yard) {
                swept = swept.and(empty(&yard));
                remove(&yard);
            }
        }
    }
    swept
}

/// Removes a group and those in it, which jobs too may have made. Those that still hold processes stay.
pub(super) fn remove(group: &Path) {
    inside(group).iter().for_each(|inner| remove(inner));
    let _ = fs::remove_dir(group);
}

fn empty(yard: &Path) -> Swept {
    // Jobs may have made groups in theirs.
    let mut groups = vec![yard.to_owned()];
    let mut at = 0;
    while let Some(group) = groups.get(at) {
        groups.extend(inside(group));
        at += 1;
    }
    if groups.iter().all(|group| processes(group).is_empty()) {
        return Swept::default();
    }
    // Only in the hierarchy that counts processes; it holds for all groups inside too.
    let _ = fs::write(yard.join("pids.max"), "0");
    let give_up = Instant::now() + BOUND;
    let mut met = HashSet::new();
    loop {
        // Version 2, Linux 5.14.
        let _ = fs::write(yard.join("cgroup.kill"), "1");
        let left: Vec<i32> = groups.iter().flat_map(|group| processes(group)).collect();
        if left.is_empty() || Instant::now() >= give_up {
            return Swept { killed: met.len(), left };
        }
        for pid in left {
            // A pid read from a group is of that group but for one that ends and is used again within microseconds.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            met.insert(pid);
        }
        thread::sleep(ROUND);
    }
}

/// The groups directly in a group.
fn inside(group: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// The processes of a group, as far as this process can see them (0 stands for others).
fn processes(group: &Path) -> Vec<i32> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_supervisors_yard_is_left_alone_and_a_dead_ones_removed() {
        let parent = tempfile::tempdir().unwrap();
        let yard = |name: &str| {
            let path = parent.path().join(name);
            fs::create_dir_all(path.join("slots")).unwrap();
            path
        };
        let (living, dead, foreign) = (yard("dayfly-jobs-1"), yard("dayfly-jobs-2"), yard("dayfly-worker"));
        let held = lock(&living).unwrap().unwrap();
        assert_eq!(sweep([parent.path()].into_iter()), Swept::default());
        assert!(living.join("slots").exists() && foreign.exists() && !dead.exists());
        drop(held);
        sweep([parent.path()].into_iter());
        assert!(!living.exists());
    }
}
