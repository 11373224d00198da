//! One job's control groups.

use super::{Version, Yard, stale, yard::Plot};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// The period in which a share of CPU time is counted, µs (the kernel's default).
const PERIOD: u64 = 100_000;
/// A group may count as busy for a moment after its last process was reaped.
const REMOVE_TRIES: u32 = 50;

/// The control groups of one job. Made before it starts; removed when dropped, with the tree gone by then.
#[derive(Debug)]
pub(in crate::process) struct Cage {
    groups: Vec<Group>,
    memory: Option<PathBuf>,
    pids: bool,
    cpu: bool,
}

#[derive(Debug)]
struct Group {
    version: Version,
    path: PathBuf,
    /// Open for the leader to write itself into it.
    procs: Option<File>,
}

/// What of a job's limits control groups can hold.
#[derive(Debug, Clone, Copy)]
pub(in crate::process) struct Wanted {
    pub(in crate::process) memory: Option<u64>,
    pub(in crate::process) processes: Option<u64>,
    pub(in crate::process) cpus_milli: Option<u64>,
}

impl Cage {
    /// Groups for the job of a slot with these limits, where the yard has a place for them.
    ///
    /// # Errors
    /// A place that was usable is no longer, or a limit is refused: says which file.
    pub(in crate::process) fn make(yard: &Yard, slot: u32, wanted: Wanted) -> io::Result<Self> {
        let mut cage = Self { groups: Vec::new(), memory: None, pids: false, cpu: false };
        if let (Some(limit), Some(plot)) = (wanted.memory, yard.memory()) {
            let group = cage.group(plot, slot)?;
            limit_memory(&group, plot.version, limit)?;
            cage.memory = Some(group);
        }
        if let (Some(limit), Some(plot)) = (wanted.processes, yard.pids()) {
            write(&cage.group(plot, slot)?, "pids.max", &limit.to_string())?;
            cage.pids = true;
        }
        if let (Some(milli), Some(plot)) = (wanted.cpus_milli, yard.cpu()) {
            let quota = (milli * PERIOD / 1000).max(1000);
            let group = cage.group(plot, slot)?;
            match plot.version {
                Version::V1 => {
                    write(&group, "cpu.cfs_period_us", &PERIOD.to_string())?;
                    write(&group, "cpu.cfs_quota_us", &quota.to_string())?;
                }
                Version::V2 => write(&group, "cpu.max", &format!("{quota} {PERIOD}"))?,
            }
            cage.cpu = true;
        }
        for group in &mut cage.groups {
            let procs = group.path.join("cgroup.procs");
            group.procs = Some(named(&procs, File::options().write(true).open(&procs))?);
        }
        Ok(cage)
    }

    /// The group on a plot, made when it is not there yet.
    fn group(&mut self, plot: &Plot, slot: u32) -> io::Result<PathBuf> {
        let path = plot.path.join(format!("job-{slot}"));
        if !self.groups.iter().any(|group| group.path == path) {
            // What a slot that was killed has left behind; no process of it is alive.
            stale::remove(&path);
            named(&path, fs::create_dir(&path))?;
            self.groups.push(Group { version: plot.version, path: path.clone(), procs: None });
        }
        Ok(path)
    }

    /// Where the leader writes `0` to enter.
    pub(in crate::process) fn doors(&self) -> impl Iterator<Item = &File> {
        self.groups.iter().filter_map(|group| group.procs.as_ref())
    }

    /// Whether the kernel itself holds the memory limit.
    pub(in crate::process) fn holds_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Whether the kernel itself holds the number of processes.
    pub(in crate::process) fn holds_processes(&self) -> bool {
        self.pids
    }

    /// Whether the kernel itself holds the share of CPU time.
    pub(in crate::process) fn holds_cpus(&self) -> bool {
        self.cpu
    }

    /// How many processes the kernel has ended here for want of memory: the evidence.
    pub(in crate::process) fn oom_kills(&self) -> u64 {
        let Some(group) = &self.memory else { return 0 };
        ["memory.events", "memory.oom_control"]
            .iter()
            .filter_map(|file| fs::read_to_string(group.join(file)).ok())
            .flat_map(|text| text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok()))
            .sum()
    }

    /// SIGKILL to all inside, by the kernel in one go, where there is that.
    pub(in crate::process) fn kill(&self) {
        for group in self.groups.iter().filter(|group| group.version == Version::V2) {
            // Absent before Linux 5.14. It is one of several hammers.
            let _ = fs::write(group.path.join("cgroup.kill"), "1");
        }
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        for group in &mut self.groups {
            group.procs = None;
            for _ in 0..REMOVE_TRIES {
                match fs::remove_dir(&group.path) {
                    Ok(()) => break,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                    // Still busy, or the job has made groups inside its own.
                    Err(_) => stale::remove(&group.path),
                }
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    }
}

fn limit_memory(group: &Path, version: Version, limit: u64) -> io::Result<()> {
    match version {
        Version::V1 => {
            write(group, "memory.limit_in_bytes", &limit.to_string())?;
            // Memory and swap together; absent without swap accounting.
            let _ = write(group, "memory.memsw.limit_in_bytes", &limit.to_string());
        }
        Version::V2 => {
            write(group, "memory.max", &limit.to_string())?;
            // Absent without swap.
            let _ = write(group, "memory.swap.max", "0");
            write(group, "memory.oom.group", "1")?;
        }
    }
    Ok(())
}

fn write(group: &Path, file: &str, text: &str) -> io::Result<()> {
    let path = group.join(file);
    named(&path, fs::write(&path, text))
}

fn named<T>(path: &Path, done: io::Result<T>) -> io::Result<T> {
    done.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder in place of a yard: which files get which limits.
    #[test]
    fn version_2_limits_are_written_to_one_group() {
        let home = tempfile::tempdir().unwrap();
        let yard = Yard::in_folder(home.path());
        let group = home.path().join("job-3");
        let wanted = Wanted { memory: Some(1 << 20), processes: Some(10), cpus_milli: Some(1500) };
        // An ordinary folder has no `cgroup.procs`.
        assert!(Cage::make(&yard, 3, wanted).is_err());
        let of = |file: &str| fs::read_to_string(group.join(file)).unwrap();
        assert_eq!(of("memory.max"), "1048576");
        assert_eq!(of("memory.swap.max"), "0");
        assert_eq!(of("memory.oom.group"), "1");
        assert_eq!(of("pids.max"), "10");
        assert_eq!(of("cpu.max"), "150000 100000");
    }

    #[test]
    fn the_evidence_is_read_in_both_versions() {
        let home = tempfile::tempdir().unwrap();
        let cage = Cage { groups: Vec::new(), memory: Some(home.path().into()), pids: false, cpu: false };
        assert_eq!(cage.oom_kills(), 0);
        fs::write(home.path().join("memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n").unwrap();
        assert_eq!(cage.oom_kills(), 2);
        fs::remove_file(home.path().join("memory.oom_control")).unwrap();
        fs::write(home.path().join("memory.events"), "low 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 1\n").unwrap();
        assert_eq!(cage.oom_kills(), 1);
    }
}
