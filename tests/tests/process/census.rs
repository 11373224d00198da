//! Who of a tree is still alive, found without asking the process room: by descent, noted while the tree stood, and by
//! the word in the environment.

use dayfly_tests::{alive, processes_with};
use std::{collections::HashSet, fs};

/// The processes of a tree, each by its pid and the moment it started.
#[derive(Debug, Clone)]
pub(crate) struct Census {
    seen: HashSet<(i32, u64)>,
    word: String,
}

impl Census {
    /// Takes down all that descend from `slot` now.
    pub(crate) fn take(slot: i32, word: &str) -> Self {
        let all: Vec<(i32, i32, u64)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?))
            .collect();
        let mut tree = HashSet::from([slot]);
        let mut seen = HashSet::new();
        loop {
            let before = tree.len();
            for (pid, parent, started) in &all {
                if tree.contains(parent) && tree.insert(*pid) {
                    seen.insert((*pid, *started));
                }
            }
            if tree.len() == before {
                return Self { seen, word: word.to_owned() };
            }
        }
    }

    /// How many there were.
    pub(crate) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Those that live, and any other that carries the word.
    pub(crate) fn survivors(&self) -> Vec<i32> {
        let same = |pid: i32, started: u64| stat(pid).is_some_and(|(_, _, now)| now == started);
        let mut left = processes_with(&self.word);
        left.extend(self.seen.iter().filter(|(pid, started)| alive(*pid) && same(*pid, *started)).map(|(pid, _)| pid));
        left.sort_unstable();
        left.dedup();
        left
    }
}

/// Pid, parent and start time.
fn stat(pid: i32) -> Option<(i32, i32, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    Some((pid, fields.get(1)?.parse().ok()?, fields.get(19)?.parse().ok()?))
}
