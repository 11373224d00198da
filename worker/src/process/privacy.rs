//! What jobs may not see of the processes above them.

use nix::sys::prctl;
use std::io;

/// Closes this process' memory, environment and descriptors (`/proc/<pid>/mem`, `environ`, `fd`, `ptrace(2)`) to all but
/// root: they hold the secrets of every task, and in the plain tier a job of the same user could read them. It leaves no core
/// dump either. `PR_SET_DUMPABLE` of prctl(2).
///
/// # Errors
/// None is documented for this call.
pub fn close_to_jobs() -> io::Result<()> {
    Ok(prctl::set_dumpable(false)?)
}

/// Takes that back: an ordinary user's process must be open to write its own user namespace's maps.
pub(super) fn open_up() -> io::Result<()> {
    Ok(prctl::set_dumpable(true)?)
}
