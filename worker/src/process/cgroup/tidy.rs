//! Removing control groups that nobody uses any more.

use super::Cgroups;
use std::{fs, path::Path};

const PREFIX: &str = "dayfly-";

/// The name of a slot's group.
pub(in crate::process) fn name(supervisor: i32, slot: u32) -> String {
    format!("{PREFIX}{supervisor}-{slot}")
}

/// Removes the groups of one supervisor.
pub(in crate::process) fn remove_all_of(cgroups: &Cgroups, supervisor: i32) {
    remove(cgroups, |pid| pid == supervisor);
}

/// Removes the groups of supervisors that are no longer there. Groups that still hold processes stay.
pub(in crate::process) fn remove_stale(cgroups: &Cgroups) {
    remove(cgroups, |pid| !Path::new("/proc").join(pid.to_string()).exists());
}

fn remove(cgroups: &Cgroups, whose: impl Fn(i32) -> bool) {
    for place in cgroups.places() {
        for entry in fs::read_dir(&place.parent).into_iter().flatten().flatten() {
            if entry.file_name().to_str().and_then(owner).is_some_and(&whose) {
                // Fails while there is a process in it.
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

/// The supervisor in a group's name.
fn owner(name: &str) -> Option<i32> {
    name.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_their_owner() {
        assert_eq!(owner(&name(4711, 3)), Some(4711));
        assert_eq!(owner("dayfly-worker"), None);
        assert_eq!(owner("system.slice"), None);
    }
}
