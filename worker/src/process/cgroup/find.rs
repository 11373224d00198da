//! Where this worker's own control groups are, in each hierarchy.

use nix::errno::Errno;
use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

/// Where a worker puts itself to make room.
const LEAF: &str = "dayfly-worker";

/// Whose rules a hierarchy follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::process) enum Version {
    /// One hierarchy a controller, or a few.
    V1,
    /// One hierarchy for all.
    V2,
}

/// A group in which others can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) version: Version,
    pub(super) parent: PathBuf,
}

/// Which groups this process is in. Read once, since making room moves it.
#[derive(Debug)]
pub(super) struct Own {
    mounts: String,
    groups: String,
}

impl Own {
    /// As it is now.
    pub(super) fn look() -> Self {
        let read = |file| fs::read_to_string(file).unwrap_or_default();
        Self { mounts: read("/proc/self/mountinfo"), groups: read("/proc/self/cgroup") }
    }

    /// The group in the hierarchy that has the controller, made ready for groups inside it; nothing where that cannot be.
    /// For the supervisor, before it has forked anything.
    pub(super) fn place(&self, controller: &str) -> Option<Place> {
        let place = locate(controller, &self.mounts, &self.groups)?;
        (place.version == Version::V1 || make_room(controller, &place.parent).is_ok()).then_some(place)
    }

    /// The group in the version 2 hierarchy, whatever controllers that has.
    pub(super) fn unified(&self) -> Option<Place> {
        // No version 1 hierarchy has a controller of this name.
        locate("cgroup.kill", &self.mounts, &self.groups)
    }
}

/// This process' own group in the hierarchy that has the controller. A controller that a v1 hierarchy has is not in v2.
fn locate(controller: &str, mounts: &str, own: &str) -> Option<Place> {
    let v1 = own.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        controllers.split(',').any(|name| name == controller).then_some(path)
    });
    let v2 = own.lines().find_map(|line| line.strip_prefix("0::"));
    let (version, path) = match (v1, v2) {
        (Some(path), _) => (Version::V1, path),
        (None, Some(path)) => (Version::V2, path),
        (None, None) => return None,
    };
    mounts
        .lines()
        .find_map(|line| {
            // id parent device root mount-point options .. - type source super-options
            let (front, back) = line.split_once(" - ")?;
            let mut front = front.split(' ').skip(3);
            let (root, point) = (front.next()?, front.next()?);
            let (kind, options) = (back.split(' ').next()?, back.split(' ').nth(2)?);
            let fits = match version {
                Version::V1 => kind == "cgroup" && options.split(',').any(|name| name == controller),
                Version::V2 => kind == "cgroup2",
            };
            // A container sees a part of the hierarchy: its mount begins at `root`. One that begins above what this process may see
            // (`/..`) cannot be walked by its own paths.
            if Path::new(root).components().any(|part| part == Component::ParentDir) {
                return None;
            }
            let below = Path::new(path).strip_prefix(root).or_else(|_| Path::new(path).strip_prefix("/")).ok()?;
            fits.then(|| Place { version, parent: Path::new(point).join(below) })
        })
        .map(|place| Place { parent: beside_leaf(place.parent), ..place })
}

/// A worker that has made room sits in a leaf of its group; a further supervisor of it belongs beside that leaf.
fn beside_leaf(group: PathBuf) -> PathBuf {
    match group.parent() {
        Some(above) if group.ends_with(LEAF) => above.to_owned(),
        Some(_) | None => group,
    }
}

/// Lets a version 2 group hand the controller down to the groups in it.
pub(super) fn make_room(controller: &str, group: &Path) -> io::Result<()> {
    let has = |file: &str| -> io::Result<bool> {
        Ok(fs::read_to_string(group.join(file))?.split_ascii_whitespace().any(|name| name == controller))
    };
    if has("cgroup.subtree_control")? {
        return Ok(());
    }
    if !has("cgroup.controllers")? {
        return Err(io::ErrorKind::NotFound.into());
    }
    let enable = || fs::write(group.join("cgroup.subtree_control"), format!("+{controller}"));
    let inside = fs::read_to_string(group.join("cgroup.procs"))?;
    let pids: Vec<i32> = inside.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    // Without processes of its own, or as the root of all (which alone has no type), it can do so at once. Not by trying: `pids`
    // and `cpu` can be enabled above processes, but then no process may enter the groups below.
    if pids.is_empty() || !group.join("cgroup.type").exists() {
        return enable();
    }
    let daemon = nix::unistd::getppid().as_raw();
    if !pids.iter().all(|pid| is_below(*pid, daemon)) {
        return Err(io::Error::other("other programs share the worker's group"));
    }
    let leaf = group.join(LEAF);
    make(&leaf)?;
    for pid in pids {
        match fs::write(leaf.join("cgroup.procs"), pid.to_string()) {
            // It has ended since it was listed.
            Err(error) if error.raw_os_error() == Some(Errno::ESRCH as i32) => {}
            moved => moved?,
        }
    }
    enable()
}

/// Makes a group, unless it is there.
pub(super) fn make(group: &Path) -> io::Result<()> {
    match fs::create_dir(group) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

/// Whether a process is `ancestor` or descends from it.
fn is_below(pid: i32, ancestor: i32) -> bool {
    let mut at = Some(pid);
    while let Some(pid) = at.filter(|pid| *pid > 0) {
        if pid == ancestor {
            return true;
        }
        at = super::super::children::parent_of(pid);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2_MOUNTS: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
    const V1_MOUNTS: &str = "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        32 23 0:28 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n\
        33 23 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";

    #[test]
    fn a_worker_in_its_leaf_and_one_that_sees_a_foreign_mount_know_their_place() {
        let at = |mounts, own| locate("memory", mounts, own).map(|place| place.parent);
        assert_eq!(at(V2_MOUNTS, "0::/a/dayfly-worker\n"), Some("/sys/fs/cgroup/a".into()));
        let foreign = "30 23 0:26 /.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
        assert_eq!(at(foreign, "0::/\n"), None);
    }

    #[test]
    fn version_2_is_one_place_for_all() {
        let own = "0::/system.slice/dayfly.service\n";
        for controller in ["memory", "pids", "cpu"] {
            let parent = "/sys/fs/cgroup/system.slice/dayfly.service".into();
            assert_eq!(locate(controller, V2_MOUNTS, own), Some(Place { version: Version::V2, parent }));
        }
    }

    #[test]
    fn version_1_has_a_place_for_each_and_mounts_may_begin_further_down() {
        let own = "4:memory:/process_api/1\n1:cpu,cpuacct:/docker/abc/job\n0::/\n";
        let at = |controller| locate(controller, V1_MOUNTS, own);
        let v1 = |parent: &str| Some(Place { version: Version::V1, parent: parent.into() });
        assert_eq!(at("memory"), v1("/sys/fs/cgroup/memory/process_api/1"));
        assert_eq!(at("cpu"), v1("/sys/fs/cgroup/cpu,cpuacct/job"));
        let v2 = Place { version: Version::V2, parent: "/sys/fs/cgroup/unified/".into() };
        assert_eq!(at("pids"), Some(v2), "not in version 1");
    }
}
