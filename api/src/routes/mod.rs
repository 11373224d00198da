//! The routes, one file a resource. A handler reads the request by `extract`, calls the queue, and shows by `view`.

pub(crate) mod about;
pub(crate) mod cancel;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod logs;
mod reply;
pub(crate) mod result;
pub(crate) mod submit;
pub(crate) mod tasks;
pub(crate) mod workers;
