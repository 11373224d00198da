//! Who of a tree is still alive, found without asking those who hold it: by descent, noted while the tree stood, and by the
//! word in the environment.

use crate::{alive, processes_with};
use std::{collections::HashSet, fs};

/// The processes of a tree, each by its pid and the moment it started.
#[derive(Debug, Clone)]
pub struct Census {
    seen: HashSet<(i32, u64)>,
    word: String,
}

impl Census {
    /// Takes down all that descend from `root` now, which is a process that adopts orphans.
    #[must_use]
    pub fn take(root: i32, word: &str) -> Self {
        let all: Vec<(i32, i32, u64)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?))
            .collect();
        let mut tree = HashSet::from([root]);
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

    /// Leaves out those that the tree has above or beside itself.
    #[must_use]
    pub fn only(mut self, of_the_tree: impl Fn(i32) -> bool) -> Self {
        self.seen.retain(|(pid, _)| of_the_tree(*pid));
        self
    }

    /// How many there were.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether there were none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Those that live, and any other that carries the word.
    #[must_use]
    pub fn survivors(&self) -> Vec<i32> {
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
