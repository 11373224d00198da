//! A TOML file as a table that knows the line of everything in it.

use super::{Faults, Place};
use std::{ops::Range, path::PathBuf};
use toml::de::DeTable;

/// A file's text with the name that faults call it by.
#[derive(Debug)]
pub(super) struct Document {
    name: PathBuf,
    text: String,
}

impl Document {
    pub(super) fn new(name: PathBuf, text: String) -> Self {
        Self { name, text }
    }

    /// The table, or `None` with all syntax errors noted: a table put together from a broken file would only add
    /// faults that are none.
    pub(super) fn parse(&self, faults: &mut Faults) -> Option<DeTable<'_>> {
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        for error in &errors {
            let place = error.span().map_or_else(|| self.whole(), |span| self.place(&span));
            faults.note(&place, error.message().replace('\n', ", "));
        }
        errors.is_empty().then(|| table.into_inner())
    }

    /// The line where `span` begins.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.as_bytes().get(..span.start).unwrap_or(self.text.as_bytes());
        Place::File(self.name.clone(), Some(1 + before.iter().filter(|byte| **byte == b'\n').count()))
    }

    /// The file as a whole.
    pub(super) fn whole(&self) -> Place {
        Place::File(self.name.clone(), None)
    }
}
