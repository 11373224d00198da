//! The examples, for a start without a configuration.

use super::data::Data;
use crate::failure::Failure;
use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// What `deploy/examples` holds, for a program that has left its checkout.
const FILES: [(&str, &str); 5] = [
    ("dayfly.toml", include_str!("../../../deploy/examples/dayfly.toml")),
    ("factor.py", include_str!("../../../deploy/examples/factor.py")),
    ("parse_document.py", include_str!("../../../deploy/examples/parse_document.py")),
    ("shell_pipeline.sh", include_str!("../../../deploy/examples/shell_pipeline.sh")),
    ("compute_something.py", include_str!("../../../deploy/examples/compute_something.py")),
];

/// A configuration that says nothing, for a start whose tasks come from elsewhere.
pub(super) fn nothing(data: &Data) -> Result<PathBuf, Failure> {
    let file = data.folder("python")?.join("dayfly.toml");
    fs::write(&file, "# The tasks come from --python.\n")
        .map_err(|why| Failure::runtime(format_args!("{} cannot be written: {why}", file.display())))?;
    Ok(file)
}

/// The examples' configuration: of the checkout that this program was built in or that it is started in, so that they
/// can be changed; else unpacked into the data folder.
pub(super) fn config(data: &Data) -> Result<PathBuf, Failure> {
    let program = env::current_exe().ok();
    let here = env::current_dir().ok();
    let near = |start: Option<&Path>| {
        start?.ancestors().map(|folder| folder.join("deploy/examples/dayfly.toml")).find(|file| file.is_file())
    };
    match near(here.as_deref()).or_else(|| near(program.as_deref())) {
        Some(file) => Ok(file),
        None => unpack(&data.folder("examples")?),
    }
}

/// Writes them where they are missing: a changed one stays as it is.
fn unpack(folder: &Path) -> Result<PathBuf, Failure> {
    for (name, text) in FILES {
        let file = folder.join(name);
        let written = if file.exists() {
            Ok(())
        } else {
            fs::write(&file, text).and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o755)))
        };
        written.map_err(|why| Failure::runtime(format_args!("{} cannot be written: {why}", file.display())))?;
    }
    Ok(folder.join("dayfly.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dayfly_common::config::{Inputs, load};

    #[test]
    fn unpacked_examples_are_a_good_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let file = unpack(dir.path()).unwrap();
        let inputs = Inputs { file: Some(file), runs_tasks: true, ..Inputs::default() };
        let config = load(&inputs).unwrap_or_else(|faults| panic!("{faults}"));
        let names: Vec<&str> = config.tasks.keys().map(String::as_str).collect();
        assert_eq!(names, ["compute_something", "factor", "parse_document", "shell_pipeline"]);
    }
}
