//! Whether each task's program is there, looked for as the worker does.

use super::finding::{Finding, Report};
use dayfly_common::model::{Program, PythonFunction, TaskDef};
use nix::unistd::{AccessFlags, access};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{process::Command, time::timeout};

/// A module may be a large one.
const LOADING: Duration = Duration::from_secs(60);
/// Package, the folder of the file, module, function.
const LOAD: &str = "import functools, importlib, sys; sys.path[:0] = [sys.argv[2], sys.argv[1]]; \
                    function = functools.reduce(getattr, sys.argv[4].split('.'), importlib.import_module(sys.argv[3])); \
                    sys.exit(None if callable(function) else sys.argv[4] + ' is not callable')";

pub(super) async fn examine(tasks: impl Iterator<Item = &TaskDef>, report: &mut Report) {
    for task in tasks {
        report.add(of_task(task).await);
    }
}

async fn of_task(task: &TaskDef) -> Finding {
    let check = format!("task.{}", task.name);
    let fail = |found: String, fix: &str| Finding::fail(&*check, found, "Its jobs fail as `spawn_failed`.", fix);
    if let Err(why) = dayfly_worker::identity_of(task) {
        return fail(why, "Make that user or group, or name others by `user` and `group`.");
    }
    if (task.user.is_some() || task.group.is_some()) && !nix::unistd::geteuid().is_root() {
        let found = "it names a user or group, and this process is not root's".to_owned();
        return fail(found, "Run the worker as root, or leave `user` and `group` out.");
    }
    let path = task.env.get("PATH").cloned().or_else(|| std::env::var("PATH").ok()).unwrap_or_default();
    let (program, script) = match &task.program {
        Program::Command(argv) => (argv.first().map_or("", String::as_str), argv.get(1)),
        Program::Python(function) => (function.interpreter.as_str(), None),
    };
    let Some(file) = resolved(program, &path) else {
        let found = format!("`{program}` is not there, or may not be executed");
        return fail(found, "Install it, or give its whole path in `command` (`interpreter` of a Python function).");
    };
    // An interpreter's script was made absolute where it was found; one with a slash is meant to be a file.
    if let Some(script) =
        script.filter(|script| script.starts_with('/') && script.contains('.') && !Path::new(script).exists())
    {
        return fail(
            format!("{script} does not exist"),
            "Mend the path in `command`; it is meant from the file's folder.",
        );
    }
    match &task.program {
        Program::Command(_) => Finding::ok(check.clone(), file.display().to_string()),
        Program::Python(function) => match load(task, function).await {
            Ok(()) => {
                Finding::ok(check.clone(), format!("{}:{} by {}", function.module, function.function, file.display()))
            }
            Err(said) => fail(
                format!("{}:{} cannot be loaded by {}: {said}", function.module, function.function, file.display()),
                "Install what the module imports for that interpreter, or name another `interpreter` or `python`.",
            ),
        },
    }
}

/// As `execvp(3)` would find it.
fn resolved(program: &str, path: &str) -> Option<PathBuf> {
    let runs = |file: &PathBuf| file.is_file() && access(file, AccessFlags::X_OK).is_ok();
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(runs);
    }
    std::env::split_paths(path).map(|folder| folder.join(program)).find(runs)
}

/// Loads the module in an interpreter of its own, with the variables that its jobs have.
async fn load(task: &TaskDef, function: &PythonFunction) -> Result<(), String> {
    let package = tempfile::tempdir().map_err(|why| format!("no temporary folder: {why}"))?;
    dayfly_worker::write_package(package.path()).map_err(|why| format!("the package cannot be written: {why}"))?;
    let mut command = Command::new(&function.interpreter);
    command.args(["-c", LOAD]).arg(package.path()).arg(&function.path).args([&function.module, &function.function]);
    command.env_clear();
    for name in ["PATH", "HOME", "LANG", "TZ"].into_iter().chain(task.pass_env.iter().map(String::as_str)) {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs(&task.env).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = command.spawn().map_err(|why| why.to_string())?;
    let ended = timeout(LOADING, child.wait_with_output()).await;
    let ended = ended.map_err(|_| format!("it took more than {LOADING:?}"))?.map_err(|why| why.to_string())?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    // The last line of a traceback says what it was.
    Err(said.trim().lines().last().map_or_else(|| ended.status.to_string(), str::to_owned))
}
