//! `python_module`: a section that stands for all functions of a module that `@dayfly.task` marks.
//!
//! Only Python can say which those are. So whoever runs tasks asks it before the configuration is read ([`python_modules`]), and
//! gives back what it said as [`super::Decorated`]; here such a section is only held to what it may say.

use super::{Faults, python::is_dotted, section::Section};
use serde_json::{Map, Value};
use std::{fs, path::Path};

/// What makes no sense for several tasks at once.
const OF_ONE: [&str; 5] = ["command", "python", "route", "description", "input_schema"];

/// A section of a file, for its module to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct PythonModule {
    /// `tasks.NAME`.
    pub title: String,
    /// As `import` takes it.
    pub module: String,
    /// The interpreter, by path or looked up in PATH.
    pub interpreter: Option<String>,
    /// The section's other keys, which hold for each of its tasks, and over what the decorator says.
    pub keys: Map<String, Value>,
}

/// The sections of this kind. None of a file that cannot be read: [`super::load`] says why.
#[must_use]
pub fn python_modules(file: &Path) -> Vec<PythonModule> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let root: Value = toml::from_str(&text).unwrap_or_default();
    let sections = root.get("tasks").and_then(Value::as_object).into_iter().flatten();
    sections
        .filter_map(|(name, section)| {
            let mut keys = section.as_object()?.clone();
            let module = keys.remove("python_module")?.as_str().filter(|module| is_dotted(module))?.to_owned();
            let interpreter = keys.get("interpreter").and_then(Value::as_str).map(str::to_owned);
            let fits = OF_ONE.iter().all(|key| !keys.contains_key(*key));
            fits.then(|| PythonModule { title: format!("tasks.{name}"), module, interpreter, keys })
        })
        .collect()
}

/// Notes what such a section must not say.
pub(super) fn check(section: &mut Section<'_>, faults: &mut Faults) {
    let named = section.read("python_module", faults, |raw| {
        let text = raw.text()?;
        if is_dotted(text) { Ok(()) } else { Err(format!("`{text}` names no module: write python_module = \"algo\"")) }
    });
    for key in OF_ONE.into_iter().filter(|key| section.has(key)) {
        if let Some(named) = &named {
            let why = format!("the section stands for all tasks of its module, of which each would have this `{key}`");
            section.fault(faults, &named.place, "python_module", &why);
        }
    }
}
