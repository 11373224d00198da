//! A section of the configuration: typed reads of its keys, which also learn what keys there are.

use super::{Faults, Place, document::Document, inputs::Override, value::Raw};
use crate::model::hint;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A value and where it was given.
#[derive(Debug, Clone)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// One section. Every key is read once by its name; [`Section::finish`] then reports all keys that nobody read.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// `api`, `tasks.factor`.
    title: String,
    table: Option<&'a DeTable<'a>>,
    document: Option<&'a Document>,
    overrides: &'a [Override],
    /// Where a missing key is missing.
    header: Place,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        title: String,
        table: Option<&'a DeTable<'a>>,
        document: Option<&'a Document>,
        header: Place,
    ) -> Self {
        Self { title, table, document, overrides: &[], header, known: Vec::new() }
    }

    /// With variables and flags over it; those of other sections are passed over.
    pub(super) fn with_overrides(mut self, overrides: &'a [Override]) -> Self {
        self.overrides = overrides;
        self
    }

    pub(super) fn header(&self) -> &Place {
        &self.header
    }

    fn place_of(&self, key: &Spanned<DeString<'_>>) -> Place {
        self.document.map_or(Place::Nowhere, |document| document.place(&key.span()))
    }

    fn own_overrides(&self) -> impl Iterator<Item = &'a Override> + use<'a> {
        let title = self.title.clone();
        self.overrides.iter().filter(move |one| one.section == title)
    }

    /// The key's values, the weakest first.
    fn given(&mut self, key: &'static str) -> Vec<Placed<Raw<'a>>> {
        self.known.push(key);
        let in_file = self.table.and_then(|table| table.get_key_value(key)).map(
            |(name, value): (_, &'a Spanned<DeValue<'a>>)| Placed {
                value: Raw::Toml(value.get_ref()),
                place: self.place_of(name),
            },
        );
        let outside = self
            .own_overrides()
            .filter(|one| one.key == key)
            .map(|one| Placed { value: Raw::Text(&one.value), place: one.place.clone() });
        in_file.into_iter().chain(outside).collect()
    }

    /// Reads `key` by `parse`: the strongest value that could be read. All that could not are noted.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
        parse: impl Fn(Raw<'a>) -> Result<T, String>,
    ) -> Option<Placed<T>> {
        let mut best = None;
        for Placed { value, place } in self.given(key) {
            match parse(value) {
                Ok(value) => best = Some(Placed { value, place }),
                Err(why) => self.fault(faults, &place, key, &why),
            }
        }
        best
    }

    /// As [`Section::read`], without the place and with a default.
    pub(super) fn read_or<T>(
        &mut self,
        key: &'static str,
        faults: &mut Faults,
        default: T,
        parse: impl Fn(Raw<'a>) -> Result<T, String>,
    ) -> T {
        self.read(key, faults, parse).map_or(default, |placed| placed.value)
    }

    /// Notes a fault of `key`: `[api] listen: ...`, or the bare message where the place names the key already.
    pub(super) fn fault(&self, faults: &mut Faults, place: &Place, key: &str, why: &str) {
        match place {
            Place::File(..) | Place::Nowhere => faults.note(place, format!("[{}] {key}: {why}", self.title)),
            Place::Variable(_) | Place::Flag(_) => faults.note(place, why),
        }
    }

    /// Whether the file gives `key`, without reading it.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Notes every key that was not read: `later` ones belong to versions to come, the rest to nobody.
    pub(super) fn finish(self, faults: &mut Faults, later: &[&str]) {
        let title = &self.title;
        for name in self.table.into_iter().flat_map(DeTable::keys) {
            let key: &str = name.get_ref();
            if later.contains(&key) {
                faults.note(&self.place_of(name), format!("`{key}` in [{title}] is not supported yet by this version"));
            } else if !self.known.contains(&key) {
                let hint = hint(key, self.known.iter().copied());
                faults.note(&self.place_of(name), format!("unknown key `{key}` in [{title}]{hint}"));
            }
        }
        for one in self.own_overrides() {
            let key = one.key.as_str();
            if later.contains(&key) {
                faults.note(&one.place, format!("`{key}` of [{title}] is not supported yet by this version"));
            } else if !self.known.contains(&key) {
                let prefix = format!("DAYFLY_{}_", title.to_uppercase());
                let names: Vec<String> =
                    self.known.iter().map(|key| format!("{prefix}{}", key.to_uppercase())).collect();
                let hint = hint(&one.place.to_string(), names.iter().map(String::as_str));
                faults.note(&one.place, format!("no such variable{hint}"));
            }
        }
    }
}
