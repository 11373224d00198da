//! All that is below the bench, which adopts the orphans of every system: none gets out of its sight, and it ends them.

use anyhow::{Context as _, Result, ensure};
use dayfly_tests::{Census, descendants, parent, processes_with};
use nix::{
    sys::{
        prctl::set_child_subreaper,
        signal::{Signal, kill},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Longer than the longest life of a storm.
const PATIENCE: Duration = Duration::from_secs(20);

/// Knows processes of a tree by their program.
pub(crate) struct Below {
    /// `hostile`, and what it becomes when it forgets its environment.
    programs: [PathBuf; 2],
}

impl Below {
    /// Makes this process the one that adopts.
    pub(crate) fn adopt(hostile: &Path) -> Result<Self> {
        set_child_subreaper(true).context("PR_SET_CHILD_SUBREAPER")?;
        let found = |path: &Path| fs::canonicalize(path).with_context(|| path.display().to_string());
        Ok(Self { programs: [found(hostile)?, found(Path::new("/bin/sleep"))?] })
    }

    /// The tree whose processes carry `word`; only one stands at a time.
    pub(crate) fn tree(&self, word: &str) -> Census {
        Census::take(own(), word).only(|pid| self.is_of_a_tree(pid))
    }

    /// The system's processes above that tree, nearest first.
    pub(crate) fn above(&self, word: &str) -> Vec<i32> {
        let mut parents = processes_with(word).into_iter().filter_map(parent);
        let nearest = parents.find(|&pid| pid != own() && !self.is_of_a_tree(pid));
        let up = std::iter::successors(nearest, |&pid| parent(pid));
        up.take_while(|&pid| pid > 1 && pid != own()).collect()
    }

    fn is_of_a_tree(&self, pid: i32) -> bool {
        fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|program| self.programs.contains(&program))
    }

    /// Ends what is left of that tree, and of `above`. Nothing else is touched.
    pub(crate) fn end(&self, word: &str, above: &[i32]) -> Result<()> {
        let below = descendants(own());
        kill_all(above.iter().copied().filter(|pid| below.contains(pid)));
        let begun = Instant::now();
        loop {
            let left = self.tree(word).survivors();
            kill_all(left.iter().copied());
            reap_orphans();
            if left.is_empty() {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "{} processes cannot be ended", left.len());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn own() -> i32 {
    std::process::id().cast_signed()
}

fn kill_all(pids: impl Iterator<Item = i32>) {
    for pid in pids {
        // It may have ended meanwhile.
        let _ended = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// Reaps adopted processes of trees; the bench's own children are those of their `Child`.
fn reap_orphans() {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok())) {
        // A zombie has no program to look at any more, only a name.
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        if ["hostile", "sleep"].contains(&name.trim()) && parent(pid) == Some(own()) {
            let _running = waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG));
        }
    }
}
