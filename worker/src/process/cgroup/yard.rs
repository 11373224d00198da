//! The groups of one supervisor.

use super::{
    Holder, Holders, Version,
    find::{Own, Place, make, make_room},
    stale,
};
use nix::fcntl::{Flock, FlockArg};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// What a yard's name begins with.
pub(super) const PREFIX: &str = "dayfly-jobs-";
/// The group of the plain tier's slots, in a yard.
const SLOTS: &str = "slots";

/// One supervisor's groups: one in each hierarchy that it needs, all others inside those. Removed by [`Yard::remove`].
#[derive(Debug)]
pub(in crate::process) struct Yard {
    plots: Vec<Plot>,
    memory: Option<usize>,
    pids: Option<usize>,
    cpu: Option<usize>,
    /// `cgroup.procs` of the slots' group, to be written by them.
    door: Option<File>,
}

/// A yard's group in one hierarchy.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) version: Version,
    pub(super) path: PathBuf,
    /// Free again when this supervisor has died: then whatever is inside belongs to nobody. A slot has a copy for as long as it
    /// takes to close it, and never gives it back.
    _lock: Flock<File>,
}

impl Yard {
    /// Makes what can be made here. Never fails: what is not there is held by other means.
    pub(in crate::process) fn make() -> Self {
        let mut yard = Self { plots: Vec::new(), memory: None, pids: None, cpu: None, door: None };
        let own = Own::look();
        yard.memory = yard.plot(&own, "memory", &["memory.max", "memory.limit_in_bytes"]);
        yard.pids = yard.plot(&own, "pids", &["pids.max"]);
        yard.cpu = yard.plot(&own, "cpu", &["cpu.max", "cpu.cfs_quota_us"]);
        let held = yard.pids.or_else(|| own.unified().and_then(|place| yard.on(&place).ok()));
        yard.door = held.and_then(|plot| yard.plots.get(plot)).and_then(|plot| open_door(&plot.path).ok());
        yard
    }

    /// The plot in the hierarchy of a controller, when that rules in it: one of the files is there to be written.
    fn plot(&mut self, own: &Own, controller: &str, rules: &[&str]) -> Option<usize> {
        let place = own.place(controller)?;
        let plot = self.on(&place).ok()?;
        let path = &self.plots.get(plot)?.path;
        if place.version == Version::V2 {
            // Handed down once more, to the jobs' groups.
            make_room(controller, path).ok()?;
        }
        rules.iter().any(|file| File::options().write(true).open(path.join(file)).is_ok()).then_some(plot)
    }

    /// The plot at a place, made when it is not there yet.
    fn on(&mut self, place: &Place) -> io::Result<usize> {
        let path = place.parent.join(format!("{PREFIX}{}", std::process::id()));
        if let Some(at) = self.plots.iter().position(|plot| plot.path == path) {
            return Ok(at);
        }
        self.plots.push(Plot { version: place.version, _lock: enclose(&path)?, path });
        Ok(self.plots.len() - 1)
    }

    pub(super) fn memory(&self) -> Option<&Plot> {
        self.plots.get(self.memory?)
    }

    pub(super) fn pids(&self) -> Option<&Plot> {
        self.plots.get(self.pids?)
    }

    pub(super) fn cpu(&self) -> Option<&Plot> {
        self.plots.get(self.cpu?)
    }

    /// Which limits groups of this yard hold, and which are held otherwise.
    pub(in crate::process) fn holders(&self) -> Holders {
        Holders { memory: Holder::of(self.memory()), nproc: Holder::of(self.pids()), cpus: Holder::of(self.cpu()) }
    }

    /// Puts this process, a slot, into the slots' group with all that it will start. Of no effect where there is none. To be
    /// called before the slot closes what it has of the supervisor's descriptors.
    pub(in crate::process) fn enter(&self) {
        if let Some(door) = &self.door {
            // Only a worker that is killed as a whole is worse off without it.
            let _ = nix::unistd::write(door, b"0");
        }
    }

    /// Ends what dead supervisors have left in their yards beside this one, and removes those.
    pub(in crate::process) fn sweep_others(&self) -> stale::Swept {
        let parents = self.plots.iter().filter_map(|plot| plot.path.parent());
        stale::sweep(parents)
    }

    /// Removes it all; to be called when nothing is inside any more.
    pub(in crate::process) fn remove(&self) {
        self.plots.iter().for_each(|plot| stale::remove(&plot.path));
    }
}

/// A new group, locked. Another supervisor's sweep may come between making and locking; then it is made once more.
fn enclose(path: &Path) -> io::Result<Flock<File>> {
    for _ in 0..10 {
        // It may be there, of a dead supervisor that had this pid: the lock tells.
        make(path)?;
        if let Some(lock) = lock(path)?
            && path.exists()
        {
            return Ok(lock);
        }
    }
    Err(io::Error::other("it is removed as soon as it is made"))
}

/// The lock of a yard's group; `None` while its supervisor lives.
pub(super) fn lock(path: &Path) -> io::Result<Option<Flock<File>>> {
    match Flock::lock(File::open(path)?, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}

fn open_door(plot: &Path) -> io::Result<File> {
    let slots = plot.join(SLOTS);
    make(&slots)?;
    // Below a group of version 2 that others have made threaded nobody can enter.
    if fs::read_to_string(slots.join("cgroup.type")).is_ok_and(|kind| kind.trim() != "domain") {
        let _ = fs::remove_dir(&slots);
        return Err(io::ErrorKind::Unsupported.into());
    }
    File::options().write(true).open(slots.join("cgroup.procs"))
}

#[cfg(test)]
impl Yard {
    /// A folder in place of a version 2 group that holds everything.
    pub(super) fn in_folder(path: &Path) -> Self {
        let lock = lock(path).expect("a folder").expect("free");
        let plots = vec![Plot { version: Version::V2, path: path.to_owned(), _lock: lock }];
        Self { plots, memory: Some(0), pids: Some(0), cpu: Some(0), door: None }
    }
}
