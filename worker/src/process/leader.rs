//! The job's program made ready for `execve`: candidates from PATH, arguments, environment.

use super::{sys::ExecPlan, wire::Start};
use std::{
    ffi::CString,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Where programs are looked for when the environment has no PATH.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The paths under which a program may be found, in order: itself when it has a slash, else one a folder of PATH. An
/// empty folder there means the working folder, as for a shell.
pub(super) fn candidates(program: &str, env: &[(String, String)]) -> Vec<PathBuf> {
    if program.contains('/') {
        return vec![program.into()];
    }
    let path = env.iter().find(|(name, _)| name == "PATH").map_or(DEFAULT_PATH, |(_, path)| path.as_str());
    path.split(':').map(|folder| Path::new(if folder.is_empty() { "." } else { folder }).join(program)).collect()
}

/// A folder to start in.
///
/// # Errors
/// Its name holds a NUL byte.
pub(super) fn folder(dir: &Path) -> Result<CString, String> {
    CString::new(dir.as_os_str().as_bytes()).map_err(|_| "the working folder holds a NUL byte".to_owned())
}

/// What the child needs for the program itself; limits come on top.
///
/// # Errors
/// There is no program, or a text holds a NUL byte: says which.
pub(super) fn plan(start: &Start) -> Result<ExecPlan, String> {
    let Some(program) = start.argv.first().filter(|program| !program.is_empty()) else {
        return Err("the command is empty".to_owned());
    };
    let text = |what: &str, bytes: &[u8]| CString::new(bytes).map_err(|_| format!("{what} holds a NUL byte"));
    let programs = candidates(program, &start.env);
    Ok(ExecPlan {
        programs: programs
            .iter()
            .map(|path| text("the program's name", path.as_os_str().as_bytes()))
            .collect::<Result<_, _>>()?,
        argv: start
            .argv
            .iter()
            .zip(0..)
            .map(|(argument, index)| text(&format!("argument {index}"), argument.as_bytes()))
            .collect::<Result<_, _>>()?,
        env: start
            .env
            .iter()
            .map(|(name, value)| text(&format!("the variable {name:?}"), format!("{name}={value}").as_bytes()))
            .collect::<Result<_, _>>()?,
        dir: folder(&start.dir)?,
        nice: start.bounds.nice,
        identity: start.identity,
        no_new_privs: start.no_new_privs || start.sandbox.is_some(),
        ..ExecPlan::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn programs_are_looked_for_in_the_jobs_own_path() {
        let env = [variable("HOME", "/x"), variable("PATH", "/a/b::/c/")];
        assert_eq!(candidates("run", &env), ["/a/b/run", "./run", "/c/run"].map(PathBuf::from));
        assert_eq!(candidates("./run", &env), [PathBuf::from("./run")]);
        assert_eq!(candidates("run", &[]).len(), 6);
    }
}
