//! `--python MODULE` and `python_module`: the tasks that a Python module's `@task` decorators describe, as a part of the configuration.

use crate::failure::Failure;
use dayfly_common::config::{Decorated, PythonModule, python_modules};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The interpreter: the first of PATH, so that of an active virtual environment. `interpreter` in a file names another.
const PYTHON: &str = "python3";
/// The package's folder and the module follow.
const ASK: &str = "import os, sys; sys.path[:0] = [sys.argv[1], os.getcwd()]; from dayfly.__main__ import main; \
                   sys.exit(main(['catalogue', sys.argv[2]]))";

/// A module to be asked, and what is said over its answer.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Where it is named: what faults begin with.
    place: String,
    module: String,
    interpreter: String,
    folder: PathBuf,
    keys: Map<String, Value>,
}

impl Asked {
    /// `--python MODULE`, in the current folder.
    pub(crate) fn of_flag(module: &str) -> Result<Self, Failure> {
        let place = format!("--python {module}");
        let folder = std::env::current_dir()
            .map_err(|why| Failure::usage(format_args!("{place}: the current folder is not to be found: {why}")))?;
        Ok(Self { place, module: module.to_owned(), interpreter: PYTHON.to_owned(), folder, keys: Map::new() })
    }

    /// Each `python_module` of a file, in the file's folder.
    pub(crate) fn of_file(file: &Path) -> Vec<Self> {
        let whole = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
        let folder = whole.parent().unwrap_or(Path::new("/")).to_path_buf();
        let asked = |found: PythonModule| {
            let interpreter = found.interpreter.unwrap_or_else(|| PYTHON.to_owned());
            let by_path = interpreter.contains('/');
            Self {
                place: format!("{}: [{}] python_module = \"{}\"", file.display(), found.title, found.module),
                module: found.module,
                interpreter: if by_path { folder.join(interpreter).display().to_string() } else { interpreter },
                folder: folder.clone(),
                keys: found.keys,
            }
        };
        python_modules(file).into_iter().map(asked).collect()
    }
}

/// What the module says. It is loaded by an interpreter of its own, which ends at once.
///
/// # Errors
/// It cannot be loaded, or has no task: says which.
pub(crate) fn of(asked: &Asked) -> Result<Decorated, Failure> {
    let fault = |why: String| Failure::usage(format_args!("{}: {why}", asked.place));
    let package = tempfile::tempdir().map_err(|why| Failure::runtime(format_args!("no temporary folder: {why}")))?;
    dayfly_worker::write_package(package.path())
        .map_err(|why| Failure::runtime(format_args!("the Python package cannot be written: {why}")))?;
    let answer = Command::new(&asked.interpreter)
        .args(["-c", ASK])
        .arg(package.path())
        .arg(&asked.module)
        .current_dir(&asked.folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|why| fault(format!("{} cannot be run: {why}", asked.interpreter)))?;
    if !answer.status.success() {
        let said = String::from_utf8_lossy(&answer.stderr);
        return Err(fault(said.trim().to_owned()));
    }
    let mut tasks: BTreeMap<String, Map<String, Value>> = serde_json::from_slice(&answer.stdout)
        .map_err(|_| fault("the module prints while it is loaded; only functions should".to_owned()))?;
    if tasks.is_empty() {
        return Err(fault("no function there is a task: put @dayfly.task before it".to_owned()));
    }
    for keys in tasks.values_mut() {
        keys.extend(asked.keys.clone());
    }
    let schemas = tempfile::tempdir().map_err(|why| Failure::runtime(format_args!("no temporary folder: {why}")))?;
    let text = text(&tasks, schemas.path()).map_err(|why| fault(why.to_string()))?;
    let (name, base) = (asked.place.clone().into(), asked.folder.clone());
    Ok(Decorated { name, text, base, schemas: schemas.keep() })
}

/// As a file would have it. Schemas stand in files of their own: JSON has a null, TOML has none.
fn text(tasks: &BTreeMap<String, Map<String, Value>>, schemas: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    for (number, (name, keys)) in tasks.iter().enumerate() {
        let _ = writeln!(text, "[tasks.{}]", Value::from(name.as_str()));
        for (key, value) in keys {
            let value = if key == "input_schema" && value.is_object() {
                let file = schemas.join(format!("{number}.json"));
                fs::write(&file, value.to_string())?;
                Value::from(file.display().to_string())
            } else {
                value.clone()
            };
            let _ = writeln!(text, "{key} = {}", toml_of(&value));
        }
    }
    Ok(text)
}

/// A value of TOML, which is written as in JSON but for tables.
fn toml_of(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members =
                members.iter().map(|(key, value)| format!("{} = {}", Value::from(key.as_str()), toml_of(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(toml_of).collect::<Vec<_>>().join(", ")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_catalogue_reads_as_a_file_would() {
        let folder = tempfile::tempdir().unwrap();
        let keys = json!({"python": "a:f", "retries": 2, "description": "says \"é\"\n", "input_schema": {"type": "object"}, "env": {"A B": "\\"}});
        let tasks = BTreeMap::from([("f".to_owned(), keys.as_object().unwrap().clone())]);
        let text = text(&tasks, folder.path()).unwrap();
        assert!(text.starts_with("[tasks.\"f\"]\n"), "{text}");
        assert!(text.contains("description = \"says \\\"é\\\"\\n\"\n") && text.contains("retries = 2\n"), "{text}");
        assert!(text.contains("env = { \"A B\" = \"\\\\\" }\n"), "{text}");
        assert_eq!(fs::read_to_string(folder.path().join("0.json")).unwrap(), r#"{"type":"object"}"#);
    }
}
