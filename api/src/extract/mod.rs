//! From a request to checked values: path, query options, headers, body. Nothing here speaks to Redis.

mod accept;
mod action;
mod batch_kind;
mod body;
mod filter;
mod form;
mod headers;
mod input;
mod item;
mod json;
mod labels;
mod multipart;
mod options;
mod path;
mod pieces;
mod query;
mod split;
mod time;
mod urlencoded;

pub(crate) use accept::{Accepts, WantsEvents, WantsJson, WantsText};
pub(crate) use action::{Asked, Verb, read_action};
pub(crate) use batch_kind::batch_kind;
pub(crate) use body::{read_body, too_large};
pub(crate) use filter::{FILTER_NAMES, list_filter};
pub(crate) use headers::{Preference, idempotency_key, prefer_wait, traceparent};
pub(crate) use input::read_input;
pub(crate) use item::Item;
pub(crate) use json::check_json;
pub(crate) use options::{NAMES as OPTION_NAMES, SubmitOptions};
pub(crate) use path::{JobPath, TaskPath};
pub(crate) use pieces::Pieces;
pub(crate) use query::{Query, form_pairs, query};
pub(crate) use split::{Cut, Framing, Splitter};
pub(crate) use time::{at_time, time};
