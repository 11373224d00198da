//! From a request to checked values: path, query options, headers, body. Nothing here speaks to Redis.

mod accept;
mod action;
mod body;
mod filter;
mod form;
mod headers;
mod input;
mod json;
mod multipart;
mod options;
mod path;
mod query;
mod time;
mod urlencoded;

pub(crate) use accept::{Accepts, WantsEvents, WantsJson, WantsText};
pub(crate) use action::{Asked, Verb, read_action};
pub(crate) use body::read_body;
pub(crate) use filter::{FILTER_NAMES, list_filter};
pub(crate) use headers::{Preference, idempotency_key, prefer_wait, traceparent};
pub(crate) use input::read_input;
pub(crate) use options::SubmitOptions;
pub(crate) use path::{JobPath, TaskPath};
pub(crate) use query::{Query, query};
pub(crate) use time::{at_time, time};
