//! An independent look at /proc: who is alive, and who carries a word in its environment or command line.

use std::{fs, path::Path};

/// Whether a process exists and is more than a zombie.
#[must_use]
pub fn alive(pid: i32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The command name stands in parentheses and may hold anything; the state follows the last one.
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

/// Pids of processes whose environment or command line holds `word`, zombies and this process left out.
#[must_use]
pub fn processes_with(word: &str) -> Vec<i32> {
    let own = std::process::id().cast_signed();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    pids.filter(|&pid| pid != own && alive(pid) && carries(pid, word)).collect()
}

fn carries(pid: i32, word: &str) -> bool {
    ["environ", "cmdline"].iter().any(|file| {
        let bytes = fs::read(Path::new("/proc").join(pid.to_string()).join(file)).unwrap_or_default();
        bytes.windows(word.len()).any(|part| part == word.as_bytes())
    })
}

/// Pids of all living descendants of a process, as their parents stand now.
#[must_use]
pub fn descendants(of: i32) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    let parents: Vec<(i32, i32)> = pids.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![of];
    let mut at = 0;
    while at < found.len() {
        let children = parents.iter().filter(|(_, parent)| *parent == found[at]).map(|(pid, _)| *pid);
        let children: Vec<i32> = children.collect();
        found.extend(children);
        at += 1;
    }
    found.into_iter().skip(1).filter(|&pid| alive(pid)).collect()
}

/// Whose child a process is now.
#[must_use]
pub fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
