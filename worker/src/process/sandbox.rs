//! `sandbox = "workdir"`: the job reads the system and writes only in its own folders, and signals nobody outside its
//! tree. By Landlock (Linux 5.13; signals 6.12).

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    Scope,
};
use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// The newest rights known here; a kernel that knows fewer gets those.
const ABI_KNOWN: ABI = ABI::V6;
/// Devices that programs expect to write to.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// The folders a job may write in: its working folder and, when that is another one, its own.
pub(super) fn writable(dir: &Path, env: &[(String, String)]) -> Vec<PathBuf> {
    let own = env.iter().find(|(name, _)| name == "DAYFLY_DIR").map(|(_, value)| PathBuf::from(value));
    let mut folders = vec![dir.to_owned()];
    folders.extend(own.filter(|own| own != dir));
    folders
}

/// Rules for the leader to put on, after which they hold for its whole tree.
///
/// # Errors
/// The kernel has no Landlock, or a folder does not exist.
pub(super) fn rules(folders: &[PathBuf]) -> io::Result<OwnedFd> {
    build(folders)?.ok_or(io::Error::other("this kernel has no Landlock, so sandbox = \"workdir\" cannot be kept"))
}

fn build(folders: &[PathBuf]) -> io::Result<Option<OwnedFd>> {
    let reading = AccessFs::from_read(ABI_KNOWN);
    let everything = AccessFs::from_all(ABI_KNOWN);
    let mut rules = Ruleset::default()
        // Writing is what must not be possible: without that there is no sandbox.
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .map_err(io::Error::other)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(everything)
        .map_err(io::Error::other)?
        .scope(Scope::Signal)
        .map_err(io::Error::other)?
        .create()
        .map_err(io::Error::other)?;
    let mut allow = |path: &Path, access| -> io::Result<()> {
        let fd = PathFd::new(path).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
        (&mut rules).add_rule(PathBeneath::new(fd, access)).map(|_| ()).map_err(io::Error::other)
    };
    allow(Path::new("/"), reading)?;
    for folder in folders {
        allow(folder, everything)?;
    }
    for device in DEVICES.iter().map(Path::new).filter(|device| device.exists()) {
        allow(device, AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev)?;
    }
    Ok(rules.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_of_a_jobs_folders_are_writable() {
        let env = [("DAYFLY_DIR".to_owned(), "/state/job".to_owned())];
        assert_eq!(writable(Path::new("/work"), &env), ["/work", "/state/job"].map(PathBuf::from));
        assert_eq!(writable(Path::new("/state/job"), &env), [PathBuf::from("/state/job")]);
        assert_eq!(writable(Path::new("/work"), &[]), [PathBuf::from("/work")]);
    }
}
