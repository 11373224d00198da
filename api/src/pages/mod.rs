//! The dashboard: pages for people, made here as HTML; one style, one script, one icon, all from this binary.
//!
//! ```text
//!   table    which page is where                    visit    who looks, from where, and what a link must begin with
//!     overview jobs job workers tasks task login    one page each
//!     layout   what all pages have in common        refusal  a problem as a page, or the way to the login
//!     search   the box of /jobs        banner, timeline, chart, form   parts of pages
//!     words    numbers and times for people         icons, assets
//! ```
//!
//! Everything a page shows is text to it, never markup: maud escapes. What changes something is asked of `/v1` by the
//! script, as any client would, so a page can do nothing that its reader's token may not. Links are relative: the pages
//! work below any path that a proxy puts before them. No page reads more than a bounded number of records.
//!
//! Only who names `text/html` in `Accept` is shown a page; for programs these paths are what they were.

mod assets;
mod banner;
mod chart;
mod form;
mod icons;
mod job;
mod jobs;
mod layout;
mod login;
mod overview;
mod refusal;
mod search;
mod table;
mod task;
mod tasks;
mod timeline;
mod visit;
mod words;
mod workers;

pub(crate) use refusal::Asked;
pub(crate) use table::all;
