//! The environment of a job's program, built from nothing.

use dayfly_common::{
    model::{TaskDef, format_rfc3339_ms},
    queue::Claim,
};
use std::{collections::BTreeMap, fs, io, path::Path};

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A variable source could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvironmentError {
    #[error("the task's env_file {0} cannot be read: {1}")]
    File(String, io::Error),
    #[error("the task's env_file {0}, line {1}: expected NAME=value")]
    Line(String, usize),
}

/// All variables of one attempt. Later sources win: the base, `env_file`, `pass_env`, `env`, then `DAYFLY_*`.
///
/// # Errors
/// An `env_file` that cannot be read.
pub(crate) fn variables(task: &TaskDef, claim: &Claim, dir: &Path) -> Result<Vec<(String, String)>, EnvironmentError> {
    let mut vars = BTreeMap::new();
    let own = |name: &str| inherited(name);
    vars.insert("PATH".to_owned(), own("PATH").unwrap_or_else(|| DEFAULT_PATH.to_owned()));
    vars.insert("HOME".to_owned(), own("HOME").unwrap_or_else(|| dir.display().to_string()));
    vars.insert("LANG".to_owned(), own("LANG").unwrap_or_else(|| "C.UTF-8".to_owned()));
    if let Some(zone) = own("TZ") {
        vars.insert("TZ".to_owned(), zone);
    }
    for file in &task.env_file {
        read_env_file(file, &mut vars)?;
    }
    for name in &task.pass_env {
        if let Some(value) = own(name) {
            vars.insert(name.clone(), value);
        }
    }
    vars.extend(task.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    let deadline = claim.started_at.saturating_add_unsigned(claim.timeout_ms);
    let mut set = |name: &str, value: String| vars.insert(name.to_owned(), value);
    set("DAYFLY_JOB_ID", claim.id.to_string());
    set("DAYFLY_TASK", claim.task.to_string());
    set("DAYFLY_ATTEMPT", claim.fence.attempt.to_string());
    set("DAYFLY_FENCE", claim.fence.to_string());
    set("DAYFLY_DEADLINE", format_rfc3339_ms(deadline));
    set("DAYFLY_DIR", dir.display().to_string());
    set("DAYFLY_EVENTS_FD", "3".to_owned());
    if let Some(trace) = &claim.trace {
        set("TRACEPARENT", trace.clone());
    }
    Ok(vars.into_iter().collect())
}

/// A variable of the worker's own environment that a task may be given.
fn inherited(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn read_env_file(file: &Path, vars: &mut BTreeMap<String, String>) -> Result<(), EnvironmentError> {
    let shown = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| EnvironmentError::File(shown.clone(), error))?;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').ok_or(EnvironmentError::Line(shown.clone(), number + 1))?;
        let value = value.trim();
        let unquoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        vars.insert(name.trim().to_owned(), unquoted.to_owned());
    }
    Ok(())
}
