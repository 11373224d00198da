//! Files of observations: a line each, only ever appended to.

use serde::Serialize;
use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// One file; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Notes(Arc<Mutex<File>>);

impl Notes {
    pub(super) fn open(file: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(File::options().create(true).append(true).open(file)?))))
    }

    /// Appends a line. A run whose observations cannot be kept proves nothing.
    pub(super) fn add(&self, note: &impl Serialize) {
        let mut line = serde_json::to_vec(note).expect("a note is JSON");
        line.push(b'\n');
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line).expect("a note is kept");
    }
}
