//! The walk over everything that makes a configuration.

use super::{
    Config, Faults, Inputs, Place, daemons,
    document::Document,
    inputs::{Decorated, Override},
    route,
    section::Section,
    task::{self, Surroundings},
    value::Raw,
};
use crate::model::{TaskDef, TaskName, hint};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

const SECTIONS: [&str; 4] = ["redis", "api", "worker", "tasks"];

/// Reads the configuration.
///
/// # Errors
/// Every fault of the file, the variables and the flags.
pub fn load(inputs: &Inputs) -> Result<Config, Faults> {
    let mut faults = Faults::default();
    let overrides = inputs.overrides();
    let document = match &inputs.file {
        None => None,
        Some(path) => match fs::read_to_string(path) {
            Ok(text) => Some(Document::new(path.clone(), text)),
            Err(why) => {
                faults.note(&Place::File(path.clone(), None), format!("cannot be read: {why}"));
                None
            }
        },
    };
    let base_dir = base_dir(inputs.file.as_deref());
    let decorated: Vec<BTreeMap<String, TaskDef>> =
        inputs.decorated.iter().map(|more| decorated_tasks(more, inputs.runs_tasks, &mut faults)).collect();
    let parsed = document.as_ref().map_or_else(|| Some(DeTable::new()), |document| document.parse(&mut faults));
    let around = Surroundings { base: &base_dir, runs_tasks: inputs.runs_tasks };
    let mut config = parsed.map(|root| {
        Walk { root: &root, document: document.as_ref(), overrides: &overrides }.config(around, &mut faults)
    });
    if let Some(config) = &mut config {
        for (name, task) in decorated.into_iter().flatten() {
            // What the file says of a task wins: it is nearer to whoever runs the worker.
            config.tasks.entry(name).or_insert(task);
        }
    }
    faults.or(config)
}

fn decorated_tasks(more: &Decorated, runs_tasks: bool, faults: &mut Faults) -> BTreeMap<String, TaskDef> {
    let document = Document::new(more.name.clone(), more.text.clone());
    let Some(root) = document.parse(faults) else { return BTreeMap::new() };
    let around = Surroundings { base: &more.base, runs_tasks };
    Walk { root: &root, document: Some(&document), overrides: &[] }.tasks(around, faults)
}

/// The folder of the file, links resolved; without a file, the current one.
fn base_dir(file: Option<&Path>) -> PathBuf {
    let folder = match file.and_then(Path::parent) {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    };
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf())
}

struct Walk<'a> {
    root: &'a DeTable<'a>,
    document: Option<&'a Document>,
    overrides: &'a [Override],
}

impl<'a> Walk<'a> {
    fn config(&self, around: Surroundings<'_>, faults: &mut Faults) -> Config {
        for name in self.root.keys() {
            let key: &str = name.get_ref();
            if !SECTIONS.contains(&key) {
                faults.note(&self.place(name), format!("unknown section `{key}`{}", hint(key, SECTIONS)));
            }
        }
        Config {
            redis: daemons::redis(self.section("redis", faults), faults),
            api: daemons::api(self.section("api", faults), faults, around.base),
            worker: daemons::worker(self.section("worker", faults), faults, around.base),
            tasks: self.tasks(around, faults),
            base_dir: around.base.to_path_buf(),
        }
    }

    fn place(&self, name: &Spanned<impl Sized>) -> Place {
        self.document.map_or(Place::Nowhere, |document| document.place(&name.span()))
    }

    /// A section of the root, empty when the file has none.
    fn section(&self, name: &'static str, faults: &mut Faults) -> Section<'a> {
        let (table, header) = self.table(self.root, name, name, faults);
        Section::new(name.to_owned(), table, self.document, header).with_overrides(self.overrides)
    }

    fn table(
        &self,
        of: &'a DeTable<'a>,
        key: &str,
        title: &str,
        faults: &mut Faults,
    ) -> (Option<&'a DeTable<'a>>, Place) {
        let Some((name, value)) = of.get_key_value(key) else {
            return (None, self.document.map_or(Place::Nowhere, Document::whole));
        };
        let value: &'a Spanned<DeValue<'a>> = value;
        let place = self.place(name);
        let table = Raw::Toml(value.get_ref()).table().map_err(|why| faults.note(&place, format!("[{title}] {why}")));
        (table.ok(), place)
    }

    fn tasks(&self, around: Surroundings<'_>, faults: &mut Faults) -> BTreeMap<String, TaskDef> {
        let (Some(table), _) = self.table(self.root, "tasks", "tasks", faults) else { return BTreeMap::new() };
        let mut tasks = BTreeMap::new();
        for key in table.keys() {
            let text: &str = key.get_ref();
            let (inner, header) = self.table(table, text, &format!("tasks.{text}"), faults);
            match text.parse::<TaskName>() {
                Err(why) => faults.note(&header, why.to_string()),
                Ok(name) if inner.is_some() => {
                    let section = Section::new(format!("tasks.{text}"), inner, self.document, header);
                    if let Some(task) = task::read(&name, section, around, faults) {
                        tasks.insert(name, task);
                    }
                }
                Ok(_) => {}
            }
        }
        route::unique(&tasks, faults);
        tasks.into_iter().map(|(name, (task, _))| (name.into(), task)).collect()
    }
}
