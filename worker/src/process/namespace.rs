//! A slot as the init of its own pid namespace, with a `/proc` of its own to match.
//!
//! As root, a pid namespace is all it takes. Anybody else needs a user namespace around it, in which only their own
//! user exists: setuid programs have no power there, and files of others seem to be nobody's.

use super::privacy::{close_to_jobs, open_up};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    unistd::{Gid, Uid},
};
use std::{fs, io};

/// Who asks, seen from outside the new namespaces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    user: Uid,
    group: Gid,
}

impl Origin {
    /// This process.
    pub(super) fn here() -> Self {
        Self { user: Uid::effective(), group: Gid::effective() }
    }

    /// Not root: a user namespace comes with each pid namespace.
    pub(super) fn is_ordinary(self) -> bool {
        !self.user.is_root()
    }

    /// What the slot's process has to be cloned with.
    pub(super) fn clone_flags(self) -> CloneFlags {
        let user = if self.is_ordinary() { CloneFlags::CLONE_NEWUSER } else { CloneFlags::empty() };
        CloneFlags::CLONE_NEWPID | user
    }

    /// Furnishes the new namespaces; to be called by the process that was cloned into them.
    ///
    /// # Errors
    /// The kernel refuses a step: says which. Containers often refuse a new `/proc`.
    pub(super) fn furnish(self) -> io::Result<()> {
        if self.is_ordinary() {
            let (user, group) = (self.user, self.group);
            open_up()?;
            write("/proc/self/setgroups", "deny")?;
            write("/proc/self/uid_map", &format!("{user} {user} 1"))?;
            write("/proc/self/gid_map", &format!("{group} {group} 1"))?;
            close_to_jobs()?;
        }
        step("a mount namespace", unshare(CloneFlags::CLONE_NEWNS))?;
        // The host's later mounts are to be seen here, but none of ours there.
        let down_only = MsFlags::MS_REC | MsFlags::MS_SLAVE;
        step("separate mounts", mount(None::<&str>, "/", None::<&str>, down_only, None::<&str>))?;
        let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        step("a /proc of its own", mount(Some("proc"), "/proc", Some("proc"), plain, None::<&str>))
    }
}

fn write(path: &str, text: &str) -> io::Result<()> {
    fs::write(path, text).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}

fn step(what: &str, done: nix::Result<()>) -> io::Result<()> {
    done.map_err(|errno| io::Error::new(io::Error::from(errno).kind(), format!("{what}: {}", errno.desc())))
}
