//! A task: a named thing a worker can run.

use super::{Backoff, RetryOn};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr};

/// A task's name: 1-64 of `A-Z a-z 0-9 _ . -`, first a letter, digit or `_`. It stands in keys and URLs as it is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskName(String);

/// The text cannot be a task's name.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` cannot be a task's name: use 1 to 64 letters, digits, `_`, `-` or `.`, not beginning with `-` or `.`")]
pub struct TaskNameError(pub String);

impl TaskName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TaskName {
    type Err = TaskNameError;

    fn from_str(text: &str) -> Result<Self, TaskNameError> {
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if first && text.len() <= 64 && text.bytes().all(usual) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TaskNameError(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for TaskName {
    type Error = TaskNameError;

    fn try_from(text: String) -> Result<Self, TaskNameError> {
        text.parse()
    }
}

impl From<TaskName> for String {
    fn from(name: TaskName) -> Self {
        name.0
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What a task runs. An argv, never a shell line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Program {
    /// A program started anew for every job.
    Command(Vec<String>),
    /// A Python function, loaded once by a host that forks a process for every job.
    Python(PythonFunction),
}

/// A function of a Python module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PythonFunction {
    /// As `import` takes it: `package.module`.
    pub module: String,
    /// Its name there; a dot leads into a class.
    pub function: String,
    /// The interpreter, by path or looked up in PATH.
    pub interpreter: String,
    /// The folder from which the module is imported before any other.
    pub path: PathBuf,
    /// Its host is replaced after so many jobs.
    pub max_jobs: u32,
    /// And after a job that finds it to hold more memory than this, bytes.
    pub host_memory: Option<u64>,
}

/// How standard output becomes the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputKind {
    /// JSON when it parses, else text, else bytes.
    #[default]
    Auto,
    /// Must be JSON; anything else is `bad_output`.
    Json,
    /// Must be UTF-8; anything else is `bad_output`.
    Text,
    /// As it is.
    Bytes,
}

/// What the job's file system access is held to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sandbox {
    /// Reads the system, writes only its own folder.
    Workdir,
}

/// What one job may use. `None`: not limited by Dayfly.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// Memory of the whole tree, bytes.
    pub memory: Option<u64>,
    /// CPU time, ms.
    pub cpu_time_ms: Option<u64>,
    /// CPUs' worth of time, in thousandths.
    pub cpus_milli: Option<u64>,
    /// Open files a process.
    pub nofile: Option<u64>,
    /// Processes.
    pub nproc: Option<u64>,
    /// Largest file written, bytes.
    pub fsize: Option<u64>,
    /// Niceness, -20 to 19.
    pub nice: Option<i32>,
}

/// A task as its worker's configuration defines it. Durations in ms, sizes in bytes.
#[derive(Clone, PartialEq, Debug)]
pub struct TaskDef {
    /// Its name, which is its queue's name too.
    pub name: TaskName,
    /// One line for people.
    pub description: Option<String>,
    /// What it runs.
    pub program: Program,
    /// Deadline of an attempt when the client asks for none.
    pub timeout_ms: u64,
    /// The longest deadline a client may ask for.
    pub max_timeout_ms: u64,
    /// From SIGTERM to SIGKILL.
    pub kill_grace_ms: u64,
    /// A job must have started within this time of its submission.
    pub expires_ms: Option<u64>,
    /// Further attempts after the job's own failures.
    pub retries: u32,
    /// Failures that are worth one of them; `None`: all that may pass.
    pub retry_on: Option<Vec<RetryOn>>,
    /// Further attempts after its worker died.
    pub lost_retries: u32,
    /// Wait before a retry.
    pub backoff: Backoff,
    /// What one job may use.
    pub limits: Limits,
    /// Runs as this user.
    pub user: Option<String>,
    /// Runs as this group.
    pub group: Option<String>,
    /// `PR_SET_NO_NEW_PRIVS`.
    pub no_new_privs: bool,
    /// File system access.
    pub sandbox: Option<Sandbox>,
    /// Environment given by the configuration.
    pub env: BTreeMap<String, String>,
    /// Names of variables handed on from the worker's environment.
    pub pass_env: Vec<String>,
    /// Files of `NAME=value` lines.
    pub env_file: Vec<PathBuf>,
    /// Working folder; a fresh one when absent.
    pub workdir: Option<PathBuf>,
    /// JSON Schema of the input.
    pub input_schema: Option<serde_json::Value>,
    /// How standard output becomes the result.
    pub output: OutputKind,
    /// Largest result kept, bytes.
    pub max_result: u64,
    /// Largest log kept, bytes.
    pub max_log: u64,
    /// Most waiting jobs, delayed ones included.
    pub max_queued: Option<u64>,
    /// How long a finished job is kept.
    pub retention_ms: u64,
    /// A further URL path that submits this task.
    pub route: Option<String>,
}

impl TaskDef {
    /// A task with every default: it runs `argv`, for at most 10 minutes.
    #[must_use]
    pub fn command(name: TaskName, argv: &[&str]) -> Self {
        Self {
            name,
            description: None,
            program: Program::Command(argv.iter().map(|&word| word.to_owned()).collect()),
            timeout_ms: 600_000,
            max_timeout_ms: 600_000,
            kill_grace_ms: 5_000,
            expires_ms: None,
            retries: 0,
            retry_on: None,
            lost_retries: 2,
            backoff: Backoff::default(),
            limits: Limits::default(),
            user: None,
            group: None,
            no_new_privs: true,
            sandbox: None,
            env: BTreeMap::new(),
            pass_env: Vec::new(),
            env_file: Vec::new(),
            workdir: None,
            input_schema: None,
            output: OutputKind::Auto,
            max_result: 1 << 20,
            max_log: 1 << 20,
            max_queued: None,
            retention_ms: 7 * 86_400_000,
            route: None,
        }
    }
}
