//! The routes, one file a resource. A handler reads the request by `extract`, calls the queue, and shows by `view`.

pub(crate) mod about;
pub(crate) mod actions;
pub(crate) mod bulk;
pub(crate) mod cancel;
pub(crate) mod change;
pub(crate) mod delete;
pub(crate) mod drain;
pub(crate) mod events;
pub(crate) mod fleet_events;
pub(crate) mod forget;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod put;
mod reply;
pub(crate) mod result;
pub(crate) mod retry;
pub(crate) mod submit;
pub(crate) mod tasks;
pub(crate) mod workers;
