//! Mounts that only this thread sees, with what it starts: a small disk, and a host without control groups. They end with
//! the last process that sees them, so that not even a killed test leaves one behind.

use crate::room::{BOUND, root};
use dayfly_tests::eventually;
use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
    sys::statvfs::statvfs,
};
use std::path::Path;
use tempfile::TempDir;

/// Enough for four writers, and full at once.
const SIZE: &str = "size=16m";

/// A folder on a disk of its own that is soon full: root's. Anybody else gets an ordinary folder.
pub(crate) struct SmallDisk {
    folder: TempDir,
    mounted: bool,
}

impl SmallDisk {
    /// To be made before the supervisor whose jobs are to be in it.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = root();
        if mounted {
            see_alone();
            cover(folder.path(), SIZE);
        }
        Self { folder, mounted }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Nobody holds anything on it: files without a name are gone when the last process that has them open has ended.
    pub(crate) fn is_free_again(&self, after: &str) {
        if self.mounted {
            eventually(&format!("the disk is free again after {after}"), BOUND, || {
                let disk = statvfs(self.path()).expect("its figures");
                (disk.blocks_free() == disk.blocks()).then_some(())
            });
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.mounted {
            // The folder below it is then removed.
            let _ = umount2(self.path(), MntFlags::MNT_DETACH);
        }
    }
}

/// Runs a test where no control group can be made: in a thread of its own, which sees none. Anybody but root cannot hide
/// them, and has seldom one to write.
pub(crate) fn without_groups(test: impl Future<Output = ()> + Send + 'static) {
    let thread = std::thread::spawn(|| {
        if root() {
            see_alone();
            cover(Path::new("/sys/fs/cgroup"), "size=4k");
        }
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// A mount namespace of this thread's, from which nothing gets out.
fn see_alone() {
    unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
    let own = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, own, None::<&str>).expect("mounts of its own");
}

fn cover(folder: &Path, size: &str) {
    mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), Some(size)).expect("a small disk");
}
