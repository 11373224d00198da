//! What the bench needs of each system.

use super::ending::{Ending, Manner};
use anyhow::Result;
use std::path::Path;

/// A job to be run.
pub(crate) struct Order<'a> {
    pub(crate) shape: &'a str,
    pub(crate) ending: Ending,
    /// The leader ends once this file is there, when it is to end by itself.
    pub(crate) go: &'a Path,
}

/// A system with one worker that runs one job at a time.
pub(crate) trait System {
    /// How many processes of it stand above a job's program.
    const ABOVE: usize;

    /// Whether there is such an end in this system.
    fn knows(&self, ending: Ending) -> bool;
    /// Gives the job's id, which all processes of its tree carry in their environment.
    async fn submit(&mut self, order: &Order<'_>) -> Result<String>;
    /// Whether the program has said so.
    async fn stands(&mut self, id: &str) -> Result<bool>;
    /// Whether the system says that the job has ended.
    async fn ended(&mut self, id: &str) -> Result<bool>;
    async fn cancel(&mut self, id: &str, manner: Manner) -> Result<()>;
    /// Starts the worker, in place of a killed one if there was one, and waits until it serves.
    async fn start_worker(&mut self) -> Result<()>;
    /// The end of what the worker wrote, for an error's report.
    fn log(&self) -> String;
}
