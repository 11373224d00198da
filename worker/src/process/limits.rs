//! A job's limits: what the kernel holds for one process (`setrlimit(2)`), what it holds for the tree (control groups), and
//! what is left for the slot's gauge to watch.

use super::cgroup::{Cage, Wanted, Yard};
use dayfly_common::model::Limits;
use nix::{
    sched::{CpuSet, sched_getaffinity},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};
use std::{fmt, io};

/// Which limit ended a job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitHit {
    /// Memory of the whole tree; the kernel ended a process for it, or the slot saw it exceeded.
    Memory,
    /// CPU time of the whole tree.
    CpuTime,
    /// Number of processes, where the kernel cannot simply refuse more.
    Processes,
    /// Size of a file: the leader was ended by SIGXFSZ.
    FileSize,
}

/// A job's limits as they travel to its slot. Sizes in bytes.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Bounds {
    pub(super) memory: Option<u64>,
    pub(super) cpu_time_ms: Option<u64>,
    pub(super) cpus_milli: Option<u64>,
    pub(super) nofile: Option<u64>,
    pub(super) nproc: Option<u64>,
    pub(super) fsize: Option<u64>,
    pub(super) nice: Option<i32>,
}

/// Beyond the tree's CPU time that the slot ends it at: for one process, by the kernel, seconds.
const CPU_SLACK: u64 = 2;

impl fmt::Display for LimitHit {
    /// The configuration's name for it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Memory => "memory",
            Self::CpuTime => "cpu_time",
            Self::Processes => "nproc",
            Self::FileSize => "fsize",
        })
    }
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        Self {
            memory: limits.memory,
            cpu_time_ms: limits.cpu_time_ms,
            cpus_milli: limits.cpus_milli,
            nofile: limits.nofile,
            nproc: limits.nproc,
            fsize: limits.fsize,
            nice: limits.nice,
        }
    }
}

impl Bounds {
    /// The groups that hold what groups can hold; none when no limit asks for one.
    pub(super) fn cage(&self, yard: &Yard, slot: u32) -> io::Result<Option<Cage>> {
        let wanted = Wanted { memory: self.memory, processes: self.nproc, cpus_milli: self.cpus_milli };
        let any = self.memory.is_some() || self.nproc.is_some() || self.cpus_milli.is_some();
        if any { Cage::make(yard, slot, wanted).map(Some) } else { Ok(None) }
    }

    /// Limits of single processes: resource, soft and hard limit. `own_count`: the kernel counts the tree's processes
    /// apart from all others of their user (a user namespace of the slot's).
    pub(super) fn rlimits(&self, cage: Option<&Cage>, own_count: bool) -> Vec<(u32, u64, u64)> {
        let mut all = Vec::new();
        let mut set = |resource: libc::__rlimit_resource_t, limit: u64| all.push((resource, limit, limit));
        if let Some(files) = self.nofile {
            set(libc::RLIMIT_NOFILE, files);
        }
        if let Some(bytes) = self.fsize {
            set(libc::RLIMIT_FSIZE, bytes);
        }
        if let Some(ms) = self.cpu_time_ms {
            set(libc::RLIMIT_CPU, ms.div_ceil(1000) + CPU_SLACK);
        }
        if let Some(bytes) = self.memory.filter(|_| !cage.is_some_and(Cage::holds_memory)) {
            // The gauge sees the tree's real use; this only stops one process from taking much more between two looks.
            set(libc::RLIMIT_DATA, bytes.saturating_mul(2));
        }
        if let Some(processes) = self.nproc.filter(|_| own_count && !cage.is_some_and(Cage::holds_processes)) {
            // The slot is one of them.
            set(libc::RLIMIT_NPROC, processes + 1);
        }
        all
    }

    /// Where no group holds a share of CPU time: that many whole CPUs, taken in turn by `slot`.
    pub(super) fn affinity(&self, cage: Option<&Cage>, slot: u32) -> Option<CpuSet> {
        let milli = self.cpus_milli.filter(|_| !cage.is_some_and(Cage::holds_cpus))?;
        let ours = sched_getaffinity(Pid::from_raw(0)).ok()?;
        let cpus: Vec<usize> = (0..CpuSet::count()).filter(|cpu| ours.is_set(*cpu) == Ok(true)).collect();
        let wanted = usize::try_from(milli.div_ceil(1000)).unwrap_or(usize::MAX);
        let mut set = CpuSet::new();
        for cpu in cpus.iter().cycle().skip(slot as usize * wanted % cpus.len().max(1)).take(wanted.min(cpus.len())) {
            set.set(*cpu).ok()?;
        }
        Some(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_group_holds_falls_to_single_processes() {
        let bounds = Bounds {
            memory: Some(100),
            cpu_time_ms: Some(1500),
            nofile: Some(64),
            nproc: Some(5),
            ..Bounds::default()
        };
        let found = |own_count| bounds.rlimits(None, own_count);
        assert!(found(false).contains(&(libc::RLIMIT_DATA, 200, 200)));
        assert!(found(false).contains(&(libc::RLIMIT_CPU, 4, 4)));
        assert!(found(false).contains(&(libc::RLIMIT_NOFILE, 64, 64)));
        assert!(!found(false).iter().any(|(resource, ..)| *resource == libc::RLIMIT_NPROC));
        assert!(found(true).contains(&(libc::RLIMIT_NPROC, 6, 6)));
        assert!(Bounds::default().rlimits(None, true).is_empty());
    }
}
