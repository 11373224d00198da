//! What a configuration is made of, besides its file.

use super::Place;
use std::path::PathBuf;

/// A value given by a flag.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The flag as typed, `--listen`.
    pub name: &'static str,
    /// The setting it stands for: section and key.
    pub setting: (&'static str, &'static str),
    /// Its value.
    pub value: String,
}

/// Where a configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The file; none: only defaults, variables and flags.
    pub file: Option<PathBuf>,
    /// The process's environment. Only `DAYFLY_REDIS_*`, `DAYFLY_API_*` and `DAYFLY_WORKER_*` are looked at.
    pub variables: Vec<(String, String)>,
    /// Flags.
    pub flags: Vec<Flag>,
    /// Tasks that Python modules' decorators describe. What the file says of a task wins; then the first of these.
    pub decorated: Vec<Decorated>,
    /// This host runs the tasks, so what they need of it (environment files, working folders) must be there.
    pub runs_tasks: bool,
}

/// Tasks from beside the file.
#[derive(Debug, Clone)]
pub struct Decorated {
    /// What faults call it.
    pub name: PathBuf,
    /// Sections `[tasks.NAME]`, as in a file.
    pub text: String,
    /// The folder from which paths are meant, and modules imported.
    pub base: PathBuf,
    /// The folder that holds the input schemas it names.
    pub schemas: PathBuf,
}

/// The sections whose keys variables and flags may set.
pub(super) const SECTIONS: [(&str, &str); 3] =
    [("redis", "DAYFLY_REDIS_"), ("api", "DAYFLY_API_"), ("worker", "DAYFLY_WORKER_")];

/// A value from outside the file.
#[derive(Debug, Clone)]
pub(super) struct Override {
    pub(super) section: &'static str,
    pub(super) key: String,
    pub(super) value: String,
    pub(super) place: Place,
}

impl Inputs {
    /// Variables first, flags last: later ones win.
    pub(super) fn overrides(&self) -> Vec<Override> {
        let variables = self.variables.iter().filter_map(|(name, value)| {
            let (section, key) =
                SECTIONS.iter().find_map(|(section, prefix)| Some((*section, name.strip_prefix(prefix)?)))?;
            let place = Place::Variable(name.clone());
            (!set_by_kubernetes(key)).then(|| Override {
                section,
                key: key.to_lowercase(),
                value: value.clone(),
                place,
            })
        });
        let flags = self.flags.iter().map(|flag| Override {
            section: flag.setting.0,
            key: flag.setting.1.to_owned(),
            value: flag.value.clone(),
            place: Place::Flag(flag.name.to_owned()),
        });
        variables.chain(flags).collect()
    }
}

/// Kubernetes sets `DAYFLY_API_SERVICE_HOST`, `DAYFLY_API_PORT_8080_TCP_ADDR` and so on for a service named `dayfly-api`:
/// none of them is meant for us, and none may keep a daemon from starting.
fn set_by_kubernetes(key: &str) -> bool {
    key == "PORT" || key.starts_with("PORT_") || key.starts_with("SERVICE_HOST") || key.starts_with("SERVICE_PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_after_variables_and_others_variables_are_left_alone() {
        let variables =
            ["DAYFLY_API_LISTEN", "DAYFLY_URL", "DAYFLY_API_PORT_80_TCP", "DAYFLY_REDIS_SERVICE_HOST", "HOME"];
        let inputs = Inputs {
            variables: variables.map(|name| (name.to_owned(), "v".to_owned())).to_vec(),
            flags: vec![Flag { name: "--listen", setting: ("api", "listen"), value: "w".to_owned() }],
            ..Inputs::default()
        };
        let found: Vec<(String, String)> =
            inputs.overrides().into_iter().map(|one| (one.place.to_string(), one.key)).collect();
        let listen = "listen".to_owned();
        assert_eq!(found, [("DAYFLY_API_LISTEN".to_owned(), listen.clone()), ("--listen".to_owned(), listen)]);
    }
}
