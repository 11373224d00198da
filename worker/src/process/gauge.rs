//! Watching what a running tree uses, where the kernel does not stop it by itself: CPU time of the whole tree always,
//! memory and processes where no control group holds them, and the kernel's own kills for want of memory.

use super::{
    cgroup::Cage,
    kill::Reach,
    limits::{Bounds, LimitHit},
    reaper::Reaper,
};
use nix::unistd::{SysconfVar, sysconf};
use std::{fs, thread::available_parallelism, time::Duration};

/// Between two looks at what may grow at any speed.
const OFTEN: Duration = Duration::from_millis(25);
/// Between two looks for the kernel's kills.
const SELDOM: Duration = Duration::from_millis(100);

/// The watcher of one job.
#[derive(Debug)]
pub(super) struct Gauge {
    memory: Option<u64>,
    processes: Option<u64>,
    cpu_time: Option<Duration>,
    evidence: bool,
    /// What one unit of `/proc/*/stat` times and `statm` sizes is.
    tick: Duration,
    page: u64,
    cores: u32,
}

/// What the living processes of a tree use.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Use {
    processes: u64,
    cpu: Duration,
    memory: u64,
}

impl Gauge {
    /// For a job; `None` when there is nothing to watch.
    pub(super) fn new(bounds: &Bounds, cage: Option<&Cage>, own_count: bool) -> Option<Self> {
        let caged = |holds: fn(&Cage) -> bool| cage.is_some_and(holds);
        let gauge = Self {
            memory: bounds.memory.filter(|_| !caged(Cage::holds_memory)),
            processes: bounds.nproc.filter(|_| !caged(Cage::holds_processes) && !own_count),
            cpu_time: bounds.cpu_time_ms.map(Duration::from_millis),
            evidence: caged(Cage::holds_memory),
            tick: Duration::from_secs(1) / unit(SysconfVar::CLK_TCK, 100),
            page: u64::from(unit(SysconfVar::PAGE_SIZE, 4096)),
            cores: available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        };
        let any = gauge.memory.is_some() || gauge.processes.is_some() || gauge.cpu_time.is_some() || gauge.evidence;
        any.then_some(gauge)
    }

    /// Whether a limit is exceeded, and if not, when to look again.
    /// `others`: processes that are not the job's.
    pub(super) fn look(
        &self,
        reaper: &Reaper,
        reach: &mut Reach,
        others: &[i32],
        cage: Option<&Cage>,
    ) -> Result<Duration, LimitHit> {
        let mut again = Duration::MAX;
        if self.evidence {
            if cage.is_some_and(|cage| cage.oom_kills() > 0) {
                return Err(LimitHit::Memory);
            }
            again = SELDOM;
        }
        if self.memory.is_none() && self.processes.is_none() && self.cpu_time.is_none() {
            return Ok(again);
        }
        let mut tree = reach.tree();
        tree.retain(|pid| !others.contains(pid));
        let now = self.measure(&tree);
        if self.memory.is_some_and(|limit| now.memory > limit) {
            return Err(LimitHit::Memory);
        }
        if self.processes.is_some_and(|limit| now.processes > limit) {
            return Err(LimitHit::Processes);
        }
        if self.memory.is_some() || self.processes.is_some() {
            again = again.min(OFTEN);
        }
        if let Some(limit) = self.cpu_time {
            let left = limit.saturating_sub(reaper.spent().cpu + now.cpu);
            if left.is_zero() {
                return Err(LimitHit::CpuTime);
            }
            // Not even on all cores can it be used up sooner.
            again = again.min((left / self.cores).max(self.tick));
        }
        Ok(again)
    }

    fn measure(&self, tree: &[i32]) -> Use {
        let mut all = Use::default();
        for pid in tree {
            let Some(ticks) = fs::read_to_string(format!("/proc/{pid}/stat")).ok().as_deref().and_then(cpu_ticks)
            else {
                continue;
            };
            all.processes += 1;
            all.cpu += self.tick.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX));
            if self.memory.is_some() {
                let pages = fs::read_to_string(format!("/proc/{pid}/statm")).ok().as_deref().and_then(own_pages);
                all.memory += pages.unwrap_or(0) * self.page;
            }
        }
        all
    }
}

/// User and system time of a process and of the children it has waited for, in ticks.
fn cpu_ticks(stat: &str) -> Option<u64> {
    // Fields 14 to 17; the third one follows the name's last parenthesis.
    let fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11).take(4);
    fields.map(|field| field.parse::<i64>().ok().and_then(|ticks| u64::try_from(ticks).ok())).sum()
}

/// Resident pages that are not of files or shared.
fn own_pages(statm: &str) -> Option<u64> {
    let mut fields = statm.split_ascii_whitespace().skip(1).map(str::parse::<u64>);
    let (resident, shared) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(resident.saturating_sub(shared))
}

fn unit(what: SysconfVar, usual: u32) -> u32 {
    sysconf(what).ok().flatten().and_then(|value| u32::try_from(value).ok()).filter(|value| *value > 0).unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read_whatever_the_name() {
        let stat = "12 (a) b) S 1 12 12 0 -1 4194560 100 0 0 0 5 6 7 8 20 0 1 0 100 1000 10";
        assert_eq!(cpu_ticks(stat), Some(26));
        assert_eq!(cpu_ticks("12 (x"), None);
        assert_eq!(own_pages("1000 300 100 1 0 50 0\n"), Some(200));
        assert_eq!(own_pages(""), None);
    }

    #[test]
    fn this_process_can_be_measured() {
        let bounds = Bounds { cpu_time_ms: Some(1), memory: Some(1), ..Bounds::default() };
        let gauge = Gauge::new(&bounds, None, false).unwrap();
        let used = gauge.measure(&[std::process::id().cast_signed()]);
        assert_eq!(used.processes, 1);
        assert!(used.memory > 50_000 && used.memory < 1 << 30, "{used:?}");
        assert!(Gauge::new(&Bounds::default(), None, false).is_none());
    }
}
