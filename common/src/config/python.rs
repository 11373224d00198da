//! `python`, `interpreter`, `max_jobs` and `host_memory`: a function that a warm host runs.

use super::{Faults, section::Section, value::Raw};
use crate::model::PythonFunction;
use std::path::Path;

/// Looked up in PATH.
const INTERPRETER: &str = "python3";
/// A host that leaks a little with every fork is replaced before it matters.
const MAX_JOBS: u32 = 10_000;

/// The function; `None` when there is no `python`, or it is at fault.
pub(super) fn read(section: &mut Section<'_>, base: &Path, faults: &mut Faults) -> Option<PythonFunction> {
    let named = section.read("python", faults, |raw| function(raw.text()?));
    let interpreter = section.read("interpreter", faults, |raw| interpreter(raw, base));
    let max_jobs = section.read("max_jobs", faults, |raw| {
        raw.integer(&(1..=i64::from(u32::MAX))).and_then(|number| u32::try_from(number).map_err(|why| why.to_string()))
    });
    let host_memory = section.read("host_memory", faults, |raw| raw.size());
    let (module, function) = named?.value;
    Some(PythonFunction {
        module,
        function,
        interpreter: interpreter.map_or_else(|| INTERPRETER.to_owned(), |placed| placed.value),
        path: base.to_owned(),
        max_jobs: max_jobs.map_or(MAX_JOBS, |placed| placed.value),
        host_memory: host_memory.map(|placed| placed.value),
    })
}

/// `package.module:function`.
fn function(text: &str) -> Result<(String, String), String> {
    let wrong = || format!("`{text}` names no function: write python = \"module:function\"");
    let (module, function) = text.split_once(':').ok_or_else(wrong)?;
    if is_dotted(module) && is_dotted(function) { Ok((module.to_owned(), function.to_owned())) } else { Err(wrong()) }
}

/// Names with dots between them.
pub(super) fn is_dotted(name: &str) -> bool {
    name.split('.').all(is_identifier)
}

/// As Python has it, any letters.
fn is_identifier(name: &str) -> bool {
    name.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && name.chars().all(|one| one.is_alphanumeric() || one == '_')
}

/// A path is meant from the folder of the file; a bare name is looked up in PATH.
fn interpreter(raw: Raw<'_>, base: &Path) -> Result<String, String> {
    let word = raw.word()?;
    Ok(if word.contains('/') { base.join(word).display().to_string() } else { word.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_with_its_module() {
        let named = |module: &str, function: &str| Ok((module.to_owned(), function.to_owned()));
        assert_eq!(function("algo:factor"), named("algo", "factor"));
        assert_eq!(function("pkg.algo:Class.méthode"), named("pkg.algo", "Class.méthode"));
        for wrong in ["", "algo", ":f", "a:", "a:b:c", "a b:c", "algo.py:1f", "../algo:f", "a..b:f"] {
            assert!(function(wrong).is_err(), "{wrong}");
        }
    }
}
