//! Which children a process has, as the kernel lists them.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
};

/// The children of this process, which must have one thread. Kept open: reading again costs two system calls.
#[derive(Debug)]
pub(super) struct Children {
    list: Option<File>,
    text: String,
}

impl Children {
    /// Opens the list. To be called by the process whose children are meant, after its fork.
    pub(super) fn open() -> Self {
        // Absent without CONFIG_PROC_CHILDREN or without /proc; then processes are found by their parent's pid.
        Self { list: File::open("/proc/thread-self/children").ok(), text: String::new() }
    }

    /// The children there are now, ended but unreaped ones included.
    pub(super) fn now(&mut self) -> Vec<i32> {
        self.text.clear();
        match self.list.as_mut().map(|list| read_again(list, &mut self.text)) {
            Some(Ok(())) => pids(&self.text),
            Some(Err(_)) | None => by_parent(std::process::id()),
        }
    }

    /// As [`Children::now`], where the kernel itself lists them: then none is missing that was there at the beginning.
    pub(super) fn exact(&mut self) -> Option<Vec<i32>> {
        self.text.clear();
        let list = self.list.as_mut()?;
        read_again(list, &mut self.text).ok().map(|()| pids(&self.text))
    }
}

/// The children of all threads of this process.
pub(super) fn of_all_threads() -> Vec<i32> {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return by_parent(std::process::id()) };
    let lists = threads.flatten().map(|thread| fs::read_to_string(thread.path().join("children")));
    match lists.collect::<Result<Vec<String>, _>>() {
        Ok(lists) => lists.iter().flat_map(|list| pids(list)).collect(),
        Err(_) => by_parent(std::process::id()),
    }
}

/// The children of another process, of whichever thread.
pub(super) fn of_process(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| pids(&list)).collect()
}

/// All processes of this pid namespace but its init, which is this process.
pub(super) fn of_namespace() -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|pid| *pid > 1).collect()
}

fn read_again(list: &mut File, text: &mut String) -> io::Result<()> {
    list.seek(SeekFrom::Start(0))?;
    list.read_to_string(text)?;
    Ok(())
}

fn pids(text: &str) -> Vec<i32> {
    text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn by_parent(parent: u32) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let all = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.filter(|pid| parent_of(*pid) == i32::try_from(parent).ok()).collect()
}

/// Whether a process has ended with all its threads, and is only to be reaped.
pub(super) fn has_ended(pid: i32) -> bool {
    // State and number of threads are fields 3 and 20.
    fs::read_to_string(format!("/proc/{pid}/stat")).ok().is_none_or(|stat| {
        let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace();
        let state = fields.next();
        matches!(state, Some("Z" | "X")) && fields.nth(16).is_some_and(|threads| matches!(threads, "0" | "1"))
    })
}

/// The parent of a process.
pub(super) fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the state and then the parent follow its last parenthesis.
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_child_is_listed_in_every_way() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id().cast_signed();
        assert!(Children::open().now().contains(&pid));
        assert!(of_all_threads().contains(&pid));
        assert!(by_parent(std::process::id()).contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!of_all_threads().contains(&pid));
    }
}
