//! `[tasks.NAME]`: one task of the catalogue.

use super::{
    Faults, Place,
    daemons::LARGEST_VALUE,
    daemons::at_most,
    env_file, limits, program, python, python_module, route, schema,
    section::{Placed, Section},
    value::Raw,
};
use crate::model::{Backoff, OutputKind, Program, RetryOn, RetryOnError, Sandbox, TaskDef, TaskName};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const DEFAULT_TIMEOUT_MS: u64 = 600_000;
const MIB: u64 = 1 << 20;

/// Keys of versions to come.
const LATER: [&str; 1] = ["webhook"];

/// Where tasks are read from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The folder of the file.
    pub(super) base: &'a Path,
    /// This host runs the tasks.
    pub(super) runs_tasks: bool,
}

/// The task, and where its route stands. `None` when it has no program; every fault is noted.
pub(super) fn read(
    name: &TaskName,
    mut section: Section<'_>,
    around: Surroundings<'_>,
    faults: &mut Faults,
) -> Option<(TaskDef, Option<Place>)> {
    let Surroundings { base, .. } = around;
    if section.has("python_module") {
        // Its keys are read as those of each of its tasks, once Python has said which these are.
        python_module::check(&mut section, faults);
        return None;
    }
    let command = section.read("command", faults, |raw| program::resolve(raw.texts(false)?, base));
    let python = python::read(&mut section, base, faults);
    let program = match (command, python) {
        (Some(command), None) => Some(Program::Command(command.value)),
        (None, Some(python)) => Some(Program::Python(python)),
        (Some(_), Some(_)) => {
            let why = format!("[tasks.{name}] has both `command` and `python`: a job runs one of them");
            faults.note(&section.header().clone(), why);
            None
        }
        (None, None) => {
            if !["command", "python"].iter().any(|key| section.has(key)) {
                let why = format!(
                    "[tasks.{name}] has no command: say what it runs, command = [\"python3\", \"{name}.py\"], or python = \"module:function\""
                );
                faults.note(&section.header().clone(), why);
            }
            None
        }
    };
    let (timeout_ms, max_timeout_ms) = timeouts(&mut section, faults);
    let bounds = limits::read(&mut section, faults);
    let env = section.read_or("env", faults, BTreeMap::new(), variables);
    let pass_env = section.read_or("pass_env", faults, Vec::new(), |raw| names(raw.texts(false)?));
    let env_file = section.read_or("env_file", faults, Vec::new(), |raw| env_files(raw, around));
    let workdir = section.read("workdir", faults, |raw| folder(raw, around));
    let input_schema = section.read("input_schema", faults, |raw| schema::read(raw, base));
    let route = section.read("route", faults, |raw| route::check(raw.text()?));
    let task = TaskDef {
        name: name.clone(),
        description: section.read("description", faults, |raw| raw.text().map(str::to_owned)).map(value),
        program: program.clone().unwrap_or_else(|| Program::Command(Vec::new())),
        timeout_ms,
        max_timeout_ms,
        kill_grace_ms: section.read_or("kill_grace", faults, 5_000, |raw| at_most(raw.duration()?, 600_000, "10m")),
        expires_ms: section.read("expires", faults, positive).map(value),
        retries: section.read_or("retries", faults, 0, count),
        retry_on: section.read("retry_on", faults, retry_on).map(value),
        lost_retries: section.read_or("lost_retries", faults, 2, count),
        backoff: section.read_or("backoff", faults, Backoff::default(), backoff),
        limits: bounds.limits,
        user: bounds.user,
        group: bounds.group,
        no_new_privs: bounds.no_new_privs,
        sandbox: section.read("sandbox", faults, |raw| raw.choice(&[("workdir", Sandbox::Workdir)])).map(value),
        env,
        pass_env,
        env_file,
        workdir: workdir.map(value),
        input_schema: input_schema.map(value),
        output: section.read_or("output", faults, OutputKind::Auto, output),
        max_result: section.read_or("max_result", faults, MIB, kept),
        max_log: section.read_or("max_log", faults, MIB, kept),
        max_queued: section.read("max_queued", faults, most).map(value),
        retention_ms: section.read_or("retention", faults, 7 * 86_400_000, positive),
        route: route.as_ref().map(|route| route.value.clone()),
    };
    section.finish(faults, &LATER);
    program.map(|_| (task, route.map(|route| route.place)))
}

fn value<T>(placed: Placed<T>) -> T {
    placed.value
}

/// `timeout` and `max_timeout`: the second defaults to the first; the first to 10m, or to a shorter second.
fn timeouts(section: &mut Section<'_>, faults: &mut Faults) -> (u64, u64) {
    let timeout = section.read("timeout", faults, positive);
    let longest = section.read("max_timeout", faults, positive);
    match (timeout, longest) {
        (Some(timeout), Some(longest)) => {
            if timeout.value > longest.value {
                let why = format!("{}ms is longer than max_timeout, {}ms", timeout.value, longest.value);
                section.fault(faults, &timeout.place, "timeout", &why);
            }
            (timeout.value, longest.value)
        }
        (Some(timeout), None) => (timeout.value, timeout.value),
        (None, Some(longest)) => (DEFAULT_TIMEOUT_MS.min(longest.value), longest.value),
        (None, None) => (DEFAULT_TIMEOUT_MS, DEFAULT_TIMEOUT_MS),
    }
}

fn positive(raw: Raw<'_>) -> Result<u64, String> {
    raw.duration().and_then(|ms| if ms > 0 { Ok(ms) } else { Err("must be longer than nothing".to_owned()) })
}

fn count(raw: Raw<'_>) -> Result<u32, String> {
    raw.integer(&(0..=1_000_000)).and_then(|number| u32::try_from(number).map_err(|why| why.to_string()))
}

fn retry_on(raw: Raw<'_>) -> Result<Vec<RetryOn>, String> {
    raw.texts(true)?.iter().map(|word| word.parse().map_err(|why: RetryOnError| why.to_string())).collect()
}

fn most(raw: Raw<'_>) -> Result<u64, String> {
    raw.integer(&(1..=i64::MAX)).and_then(|number| u64::try_from(number).map_err(|why| why.to_string()))
}

fn kept(raw: Raw<'_>) -> Result<u64, String> {
    at_most(raw.size()?, LARGEST_VALUE, "512MiB")
}

fn output(raw: Raw<'_>) -> Result<OutputKind, String> {
    raw.choice(&[
        ("auto", OutputKind::Auto),
        ("json", OutputKind::Json),
        ("text", OutputKind::Text),
        ("bytes", OutputKind::Bytes),
    ])
}

/// `"2s"`, or `{ first = "2s", max = "5m" }`.
fn backoff(raw: Raw<'_>) -> Result<Backoff, String> {
    let usual = Backoff::default();
    let Raw::Toml(toml::de::DeValue::Table(table)) = raw else {
        let first_ms = raw.duration()?;
        return Ok(Backoff { first_ms, max_ms: usual.max_ms.max(first_ms) });
    };
    if let Some(key) = table.keys().map(|key| key.get_ref()).find(|key| !["first", "max"].contains(&key.as_ref())) {
        return Err(format!("knows `first` and `max`, not `{key}`"));
    }
    let read = |key: &str| table.get(key).map(|value| Raw::Toml(value.get_ref()).duration()).transpose();
    let first_ms = read("first")?.unwrap_or(usual.first_ms);
    let max_ms = read("max")?.unwrap_or(usual.max_ms.max(first_ms));
    if first_ms <= max_ms {
        Ok(Backoff { first_ms, max_ms })
    } else {
        Err(format!("first, {first_ms}ms, is longer than max, {max_ms}ms"))
    }
}

fn variables(raw: Raw<'_>) -> Result<BTreeMap<String, String>, String> {
    let pairs = raw.table()?.iter().map(|(name, value)| {
        let name = variable(name.get_ref())?;
        let text = Raw::Toml(value.get_ref()).text().map_err(|why| format!("`{name}` {why}"))?;
        if text.contains('\0') { Err(format!("`{name}` must not contain a NUL")) } else { Ok((name, text.to_owned())) }
    });
    pairs.collect()
}

fn names(texts: Vec<String>) -> Result<Vec<String>, String> {
    texts.iter().map(|name| variable(name)).collect()
}

/// A name that a task may set: `DAYFLY_*` tells the job who it is and is not for setting.
fn variable(name: &str) -> Result<String, String> {
    if !env_file::is_variable(name) {
        Err(format!("`{name}` cannot be a variable's name"))
    } else if name.starts_with("DAYFLY_") {
        Err(format!("`{name}` is Dayfly's own"))
    } else {
        Ok(name.to_owned())
    }
}

fn env_files(raw: Raw<'_>, around: Surroundings<'_>) -> Result<Vec<PathBuf>, String> {
    let paths = raw.texts(true)?.into_iter().map(|path| around.base.join(path));
    paths
        .map(|path| match around.runs_tasks.then(|| env_file::read_env_file(&path)) {
            None | Some(Ok(_)) => Ok(path),
            Some(Err(why)) => Err(format!("{} {why}", path.display())),
        })
        .collect()
}

fn folder(raw: Raw<'_>, around: Surroundings<'_>) -> Result<PathBuf, String> {
    let path = around.base.join(raw.word()?);
    if around.runs_tasks && !path.is_dir() {
        return Err(format!("{} is not a folder", path.display()));
    }
    Ok(path)
}
