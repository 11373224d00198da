//! The API described: the OpenAPI 3.1 document, and the page that shows it.
//!
//! ```text
//!   operations   a route's handler beside its description   ->  router (app.rs)
//!       |
//!       +-> document     paths, parameters, answers  +  schemas, problems, examples
//!              |
//!              +-> tasks     a path for every task, with the schema of its input
//! ```
//!
//! Examples are made by the code that shows jobs, tasks, workers and problems.

mod document;
pub(crate) mod examples;
mod operation;
mod page;
mod problems;
mod schemas;
mod tasks;

pub(crate) use operation::{Answer, Body, Content, Group, Operation, Param, Scope};
pub(crate) use page::STYLE;

use crate::{catalogue::Task, operations};
use serde_json::Value;
use std::sync::LazyLock;

/// The document without what depends on the tasks.
pub(crate) fn base() -> &'static Value {
    static BASE: LazyLock<Value> = LazyLock::new(|| document::without_tasks(operations::all()));
    &BASE
}

/// The document of an API with these tasks.
pub(crate) fn with_tasks<'a>(tasks: impl Iterator<Item = &'a Task>) -> Value {
    tasks::added(base().clone(), tasks)
}

/// The page that shows it to people.
pub(crate) fn page<'a>(tasks: impl Iterator<Item = &'a Task>) -> String {
    page::page(operations::all(), &tasks::sorted(tasks)).into_string()
}
