//! Why a job's program could not be started, in words that name the file to look at.

use super::{
    sys::{ExecFailure, Step},
    wire::Start,
};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A job that was not started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refusal {
    /// One sentence on what failed and where.
    pub(super) why: String,
    /// The host lacks something at the moment (descriptors, processes, memory, disk): another time or another host would do.
    pub(super) of_host: bool,
}

impl Refusal {
    /// For an error at a step that `what` names.
    pub(super) fn at(what: &str, error: &io::Error) -> Self {
        let of_host = error.raw_os_error().is_some_and(|code| is_want(Errno::from_raw(code)));
        Self { why: format!("{what}: {error}"), of_host }
    }

    /// For a leader that could not be started.
    pub(super) fn of(start: &Start, programs: &[PathBuf], failure: &ExecFailure) -> Self {
        // A process of another user may be one too many for that user; without, it is the worker's own number.
        let of_host = match failure.errno {
            Errno::EAGAIN => failure.step == Step::Fork,
            other => is_want(other),
        };
        Self { why: explain(start, programs, failure), of_host }
    }
}

impl From<String> for Refusal {
    /// For what lies in the job.
    fn from(why: String) -> Self {
        Self { why, of_host: false }
    }
}

/// Whether the host lacks something, and may have it again later.
pub(crate) fn is_want(errno: Errno) -> bool {
    matches!(errno, Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::EAGAIN | Errno::ENOSPC | Errno::EDQUOT)
}

/// One sentence on what failed and where.
fn explain(start: &Start, programs: &[PathBuf], failure: &ExecFailure) -> String {
    let errno = failure.errno;
    match failure.step {
        Step::Fork => format!("no process could be created: {}", errno.desc()),
        Step::Session => format!("setsid failed: {}", errno.desc()),
        Step::Descriptors => format!("its descriptors could not be set up: {}", errno.desc()),
        Step::Groups => format!("its control group could not be entered: {}", errno.desc()),
        Step::Limits => format!(
            "its resource limits (nofile, fsize, ..) could not be set: {}; only root may go beyond the worker's own",
            errno.desc()
        ),
        Step::Nice => format!("its niceness could not be set: {}", errno.desc()),
        Step::Affinity => format!("its CPUs could not be set: {}", errno.desc()),
        Step::Sandbox => format!("its sandbox could not be put on: {}", errno.desc()),
        Step::Identity => match start.identity {
            Some((user, group)) => {
                format!("it could not become user {user} and group {group}: {} (is the worker root?)", errno.desc())
            }
            None => format!("its user could not be set: {}", errno.desc()),
        },
        Step::NoNewPrivs => format!("PR_SET_NO_NEW_PRIVS failed: {}", errno.desc()),
        Step::Parent => format!("its slot went away: {}", errno.desc()),
        Step::Folder => folder(&start.dir, errno),
        Step::Exec => {
            let named = start.argv.first().map_or("", String::as_str);
            let program = programs.get(failure.which).map_or(Path::new(named), PathBuf::as_path);
            exec(&start.dir, named, program, errno)
        }
    }
}

fn folder(dir: &Path, errno: Errno) -> String {
    let dir = dir.display();
    match errno {
        Errno::ENOENT => format!("its working folder {dir} does not exist"),
        Errno::ENOTDIR => format!("its working folder {dir} is not a folder"),
        Errno::EACCES => format!("no permission to enter its working folder {dir}"),
        other => format!("its working folder {dir} cannot be entered: {}", other.desc()),
    }
}

fn exec(dir: &Path, named: &str, program: &Path, errno: Errno) -> String {
    // Relative paths are meant from the job's folder; `join` keeps absolute ones.
    let at = dir.join(program);
    let shown = at.display();
    match errno {
        Errno::ENOENT | Errno::ENOTDIR if at.exists() => match interpreter(&at) {
            Some(missing) => format!("{shown} names the interpreter {missing}, which does not exist"),
            None => format!("{shown} cannot be run: its loader (dynamic linker) does not exist"),
        },
        Errno::ENOENT | Errno::ENOTDIR if named.contains('/') => format!("the program {shown} does not exist"),
        Errno::ENOENT | Errno::ENOTDIR => format!("the program `{named}` is in no folder of PATH"),
        Errno::EACCES => denied(&at),
        Errno::ENOEXEC => format!("{shown} is neither a program for this machine nor a script with a #! line"),
        Errno::E2BIG => "its arguments and environment are too long for the kernel".to_owned(),
        Errno::ETXTBSY => format!("{shown} is open for writing"),
        other => format!("{shown} cannot be run: {}", other.desc()),
    }
}

fn denied(at: &Path) -> String {
    let shown = at.display();
    match fs::metadata(at) {
        Ok(meta) if meta.is_dir() => format!("{shown} is a folder, not a program"),
        Ok(meta) if !meta.is_file() => format!("{shown} is not a file"),
        Ok(meta) if meta.permissions().mode() & 0o111 == 0 => {
            format!("no permission to run {shown}: it is not marked executable (chmod +x)")
        }
        Ok(_) => match interpreter(at) {
            Some(interpreter) => format!("no permission to run {shown}, or its interpreter {interpreter}"),
            None => format!("no permission to run {shown}"),
        },
        Err(_) => format!("no permission to reach {shown}"),
    }
}

/// The interpreter that a script's first line names.
fn interpreter(script: &Path) -> Option<String> {
    let mut first = Vec::new();
    BufReader::new(File::open(script).ok()?).take(256).read_until(b'\n', &mut first).ok()?;
    let line = String::from_utf8_lossy(first.strip_prefix(b"#!")?).into_owned();
    line.split_ascii_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_own_words() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, mode: u32| {
            let path = home.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        write("plain", "echo\n", 0o644);
        write("script", "#! /no/such/python -u\n", 0o755);
        let said = |named: &str, errno| exec(home.path(), named, Path::new(named), errno);
        assert!(said("./none", Errno::ENOENT).contains("does not exist"));
        assert!(said("none", Errno::ENOENT).contains("in no folder of PATH"));
        assert!(said("./script", Errno::ENOENT).contains("interpreter /no/such/python"));
        assert!(said("./plain", Errno::EACCES).contains("not marked executable"));
        assert!(said("./", Errno::EACCES).contains("is a folder"));
        assert!(said("./plain", Errno::ENOEXEC).contains("#! line"));
        assert!(folder(Path::new("/x"), Errno::ENOENT).contains("/x does not exist"));
    }
}
