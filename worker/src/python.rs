//! Hosts of Python functions: how one is started, and the package it runs, which this program brings along, so that a task's
//! interpreter needs nothing installed and both sides speak the same.

use crate::{process::Warm, workdir::Home};
use dayfly_common::model::{PythonFunction, TaskDef};
use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// What an interpreter is told on its command line: the package's folder, the task's, and `module:function` follow.
const BOOT: &str = "import sys; sys.path.insert(0, sys.argv[1]); from dayfly.host import main; main(*sys.argv[2:])";

macro_rules! package {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../python/src/dayfly/", $name)))),*]
    };
}

const FILES: [(&str, &str); 23] = package!(
    "__init__.py" "__main__.py" "aio.py" "call.py" "client.py" "context.py" "decorator.py" "encode.py" "errors.py"
    "executor.py" "hints.py" "host.py" "models.py" "operations.py" "options.py" "partial.py" "protocol.py" "record.py"
    "runner.py" "schema.py" "stream.py" "streams.py" "units.py"
);

/// The package in a folder of this worker's, written when it is first needed.
#[derive(Debug)]
pub(crate) struct Python {
    folder: PathBuf,
    written: OnceLock<Result<(), String>>,
}

impl Python {
    pub(crate) fn new(home: &Home) -> Self {
        Self { folder: home.beside("python"), written: OnceLock::new() }
    }

    /// The argv of a task's host, and what its slot must know of it.
    ///
    /// # Errors
    /// The package cannot be written: a sentence for people.
    pub(crate) fn host_of(&self, task: &TaskDef, function: &PythonFunction) -> Result<(Vec<String>, Warm), String> {
        let written = self.written.get_or_init(|| {
            write_package(&self.folder).map_err(|error| {
                format!("the package of its host cannot be written to {}: {error}", self.folder.display())
            })
        });
        written.clone()?;
        let warm = Warm {
            key: task.name.to_string(),
            dir: function.path.clone(),
            max_jobs: function.max_jobs,
            max_memory: function.host_memory,
        };
        Ok((host_command(&self.folder, function), warm))
    }
}

/// What starts a function's host, with the package in this folder.
#[must_use]
pub fn host_command(package: &Path, function: &PythonFunction) -> Vec<String> {
    vec![
        function.interpreter.clone(),
        "-c".to_owned(),
        BOOT.to_owned(),
        package.display().to_string(),
        function.path.display().to_string(),
        format!("{}:{}", function.module, function.function),
    ]
}

/// Writes the package `dayfly` into a folder, readable for everybody.
///
/// # Errors
/// The folder or a file cannot be made.
pub fn write_package(folder: &Path) -> io::Result<()> {
    let package = folder.join("dayfly");
    DirBuilder::new().mode(0o755).recursive(true).create(&package)?;
    FILES.iter().try_for_each(|(name, text)| fs::write(package.join(name), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_package_is_brought_along() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/src/dayfly");
        let mut there: Vec<String> = fs::read_dir(folder)
            .expect("the package")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.ends_with(".py"))
            .collect();
        there.sort();
        assert_eq!(there, FILES.map(|(name, _)| name));
    }
}
