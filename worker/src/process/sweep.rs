//! What a predecessor may have left: in the plain tier, killing daemon, supervisor and slot all at once leaves the job's
//! processes to init. The next worker's start ends them: its supervisor those in control groups of dead supervisors
//! ([`super::cgroup`]), and this, for hosts without such groups, those that can be known by their environment.
//!
//! A process that forks and ends without a pause is gone before its pid can be signalled. So each one found is killed with
//! its whole group, which the kernel does at one stroke: no fork slips through. A group never reaches beyond its
//! session, and every leader began a session of its own, so no stranger is in it.

use super::{
    cgroup::Swept,
    children::parent_of,
    sys::{PidFd, realtime},
};
use dayfly_common::model::Fence;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::{Pid, getpgid, getpgrp},
};
use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Processes that SIGKILL has not ended by then hang in the kernel, or fork faster than they can be met.
const BOUND: Duration = Duration::from_secs(3);
const ROUND: Duration = Duration::from_millis(1);
/// Names of living owners of jobs (`comm`, see supervisor and slot).
const OWNERS: &[&str] = &["dayfly-super", "dayfly-slot"];

/// Kills every process that carries a fence (`DAYFLY_FENCE`) and a job's folder (`DAYFLY_DIR`) below `state_dir` in its
/// environment (a warm host and its children: `DAYFLY_HOST` for the fence) and is beneath no living slot. Takes one look at /proc when there is none.
///
/// A process that has also cleared its environment is not found: only the pid-namespace tier holds such a one.
#[must_use]
pub fn sweep(state_dir: &Path) -> Swept {
    // A thread of its own, since it goes before all others and that cannot be taken back.
    let sweeping = || {
        // Not allowed everywhere; then it is only slower in a storm of forks.
        let _ = realtime();
        until_none_is_left(state_dir)
    };
    thread::scope(|scope| match scope.spawn(sweeping).join() {
        Ok(swept) => swept,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn until_none_is_left(state_dir: &Path) -> Swept {
    let give_up = Instant::now() + BOUND;
    let mut swept = Swept::default();
    loop {
        let found = kill_all(state_dir);
        if found.is_empty() || Instant::now() >= give_up {
            swept.left = found;
            return swept;
        }
        swept.killed += found.len();
        thread::sleep(ROUND);
    }
}

/// One look at all processes; each that is found is killed before the next is looked at.
fn kill_all(state_dir: &Path) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| is_left_over(*pid, state_dir) && kill(*pid, state_dir)).collect()
}

/// False when it ended by itself meanwhile.
fn kill(pid: i32, state_dir: &Path) -> bool {
    let Ok(process) = PidFd::open(pid) else { return false };
    let group = getpgid(Some(Pid::from_raw(pid)));
    // Whatever has this pid now that it is held is looked at again: it may have been used anew since.
    if process.has_ended() || !is_left_over(pid, state_dir) {
        return false;
    }
    if let Ok(group) = group
        && group != getpgrp()
    {
        // An error means that it has ended.
        let _ = killpg(group, Signal::SIGKILL);
    }
    let _ = process.kill();
    true
}

fn is_left_over(pid: i32, state_dir: &Path) -> bool {
    is_of_a_job(pid, |dir| dir.starts_with(state_dir)) && !is_owned(pid)
}

/// Whether its environment is that of a job whose folder is as wanted.
fn is_of_a_job(pid: i32, wanted: impl Fn(&Path) -> bool) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    let value = |name: &[u8]| environment.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(name));
    let fenced = value(b"DAYFLY_FENCE=").and_then(|fence| std::str::from_utf8(fence).ok()?.parse::<Fence>().ok());
    let folder = value(b"DAYFLY_DIR=").map(|dir| Path::new(std::ffi::OsStr::from_bytes(dir)));
    (fenced.is_some() || value(b"DAYFLY_HOST=").is_some()) && folder.is_some_and(wanted)
}

/// Whether a slot or supervisor is above it, which will end it.
fn is_owned(pid: i32) -> bool {
    let mut at = parent_of(pid);
    while let Some(above) = at.filter(|above| *above > 0) {
        let name = fs::read_to_string(format!("/proc/{above}/comm")).unwrap_or_default();
        // A job's process may call itself so.
        if OWNERS.contains(&name.trim_end()) && !is_of_a_job(above, |_| true) {
            return true;
        }
        at = parent_of(above);
    }
    false
}
