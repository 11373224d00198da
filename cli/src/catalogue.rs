//! `--python MODULE`: the tasks that a Python module's `@task` decorators describe, as a part of the configuration.

use crate::failure::Failure;
use dayfly_common::config::Decorated;
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// The interpreter: the first of PATH, so that of an active virtual environment. `interpreter` in a file names another.
const PYTHON: &str = "python3";
/// The package's folder and the module follow.
const ASK: &str = "import os, sys; sys.path[:0] = [sys.argv[1], os.getcwd()]; from dayfly.__main__ import main; \
                   sys.exit(main(['catalogue', sys.argv[2]]))";

/// What the module says. It is loaded by an interpreter of its own, which ends at once.
///
/// # Errors
/// It cannot be loaded, or has no task: says which.
pub(crate) fn of(module: &str) -> Result<Decorated, Failure> {
    let fault = |why: String| Failure::usage(format_args!("--python {module}: {why}"));
    let package = tempfile::tempdir().map_err(|why| Failure::runtime(format_args!("no temporary folder: {why}")))?;
    dayfly_worker::write_package(package.path())
        .map_err(|why| Failure::runtime(format_args!("the Python package cannot be written: {why}")))?;
    let asked = Command::new(PYTHON)
        .args(["-c", ASK])
        .arg(package.path())
        .arg(module)
        .stdin(Stdio::null())
        .output()
        .map_err(|why| fault(format!("{PYTHON} cannot be run: {why}")))?;
    if !asked.status.success() {
        let said = String::from_utf8_lossy(&asked.stderr);
        return Err(fault(said.trim().to_owned()));
    }
    let tasks: BTreeMap<String, Map<String, Value>> = serde_json::from_slice(&asked.stdout)
        .map_err(|_| fault("the module prints while it is loaded; only functions should".to_owned()))?;
    if tasks.is_empty() {
        return Err(fault("no function there is a task: put @dayfly.task before it".to_owned()));
    }
    let schemas = tempfile::tempdir().map_err(|why| Failure::runtime(format_args!("no temporary folder: {why}")))?;
    let text = text(&tasks, schemas.path()).map_err(|why| fault(why.to_string()))?;
    Ok(Decorated { name: format!("--python {module}").into(), text, schemas: schemas.keep() })
}

/// As a file would have it. Schemas stand in files of their own: JSON has a null, TOML has none.
fn text(tasks: &BTreeMap<String, Map<String, Value>>, schemas: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    for (number, (name, keys)) in tasks.iter().enumerate() {
        // A JSON text is one of TOML too.
        let _ = writeln!(text, "[tasks.{}]", Value::from(name.as_str()));
        for (key, value) in keys {
            let value = if value.is_object() {
                let file = schemas.join(format!("{number}.json"));
                fs::write(&file, value.to_string())?;
                Value::from(file.display().to_string())
            } else {
                value.clone()
            };
            let _ = writeln!(text, "{key} = {value}");
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_catalogue_reads_as_a_file_would() {
        let folder = tempfile::tempdir().unwrap();
        let keys =
            json!({"python": "a:f", "retries": 2, "description": "says \"é\"\n", "input_schema": {"type": "object"}});
        let tasks = BTreeMap::from([("f".to_owned(), keys.as_object().unwrap().clone())]);
        let text = text(&tasks, folder.path()).unwrap();
        assert!(text.starts_with("[tasks.\"f\"]\n"), "{text}");
        assert!(text.contains("description = \"says \\\"é\\\"\\n\"\n") && text.contains("retries = 2\n"), "{text}");
        assert_eq!(fs::read_to_string(folder.path().join("0.json")).unwrap(), r#"{"type":"object"}"#);
    }
}
