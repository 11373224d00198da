//! From the command line's flags and the process's surroundings to a configuration.

use crate::{
    catalogue::{self, Asked},
    failure::Failure,
};
use dayfly_common::config::{Config, Decorated, Flag, Inputs, load};
use std::path::{Path, PathBuf};

/// Flags that stand for settings, as far as they were given.
#[derive(Debug, Default)]
pub(crate) struct Flags(Vec<Flag>);

impl Flags {
    /// Adds one when it was given.
    pub(crate) fn with(
        mut self,
        name: &'static str,
        setting: (&'static str, &'static str),
        value: Option<&str>,
    ) -> Self {
        self.0.extend(value.map(|value| Flag { name, setting, value: value.to_owned() }));
        self
    }
}

/// The file to read: the given one, else `./dayfly.toml` when it exists.
pub(crate) fn file(given: Option<&Path>) -> Option<PathBuf> {
    let usual = Path::new("dayfly.toml");
    given.map(Path::to_path_buf).or_else(|| usual.is_file().then(|| usual.to_path_buf()))
}

/// As [`read`] for who runs tasks, with those of `--python`.
pub(crate) fn read_with_python(file: Option<PathBuf>, flags: Flags, python: Option<&str>) -> Result<Config, Failure> {
    let asked = python.map(Asked::of_flag).into_iter().collect::<Result<Vec<_>, _>>()?;
    let asked = asked.into_iter().chain(file.iter().flat_map(|file| Asked::of_file(file)));
    let decorated = asked.map(|asked| catalogue::of(&asked)).collect::<Result<Vec<_>, _>>()?;
    let schemas: Vec<PathBuf> = decorated.iter().map(|one| one.schemas.clone()).collect();
    let config = read_all(file, flags, true, decorated);
    for folder in schemas {
        // They are in the configuration now.
        drop(std::fs::remove_dir_all(folder));
    }
    config
}

/// Reads the configuration.
pub(crate) fn read(file: Option<PathBuf>, flags: Flags, runs_tasks: bool) -> Result<Config, Failure> {
    read_all(file, flags, runs_tasks, Vec::new())
}

fn read_all(
    file: Option<PathBuf>,
    flags: Flags,
    runs_tasks: bool,
    decorated: Vec<Decorated>,
) -> Result<Config, Failure> {
    // Names and values that are not UTF-8 cannot be settings of ours.
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let inputs = Inputs { file, variables: variables.collect(), flags: flags.0, runs_tasks, decorated };
    Ok(load(&inputs)?)
}
