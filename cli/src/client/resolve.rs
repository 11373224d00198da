//! From the beginning of an id to the id.

use super::{
    Exit,
    http::{Api, Ask},
    job,
};
use crate::failure::Failure;
use serde::Deserialize;
use uuid::Uuid;

/// Fewer characters say too little.
const LEAST: usize = 4;
/// Pages of the list that are looked through, and jobs on each.
const MOST_PAGES: usize = 60;
const PAGE: usize = 500;
/// Candidates that are named.
const SHOWN: usize = 5;

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Item>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Item {
    id: String,
    task: String,
    state: String,
}

/// The whole id that is meant. A whole id is taken as it stands; the beginning of one is looked up in the list of jobs.
pub(super) async fn resolve(api: &Api, given: &str) -> Result<String, Failure> {
    if let Ok(id) = given.parse::<Uuid>() {
        return Ok(id.to_string());
    }
    let prefix = given.to_ascii_lowercase();
    if prefix.len() < LEAST || prefix.len() > 36 || !prefix.chars().all(|char| char.is_ascii_hexdigit() || char == '-')
    {
        let message = format!("`{given}` is no id of a job: use the whole id, or its first {LEAST} characters or more");
        return Err(Exit::Usage.because(message));
    }
    let mut found: Vec<Item> = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let after = cursor.map(|cursor| format!("&cursor={}", super::options::piece(&cursor))).unwrap_or_default();
        let page: Page = job::read(&api.ask(Ask::get(format!("/v1/jobs?limit={PAGE}{after}"))).await?)?;
        // A job that changes its place while pages are read may come twice.
        found.extend(page.items.into_iter().filter(|item| item.id.starts_with(&prefix)));
        found.sort_by(|one, other| one.id.cmp(&other.id));
        found.dedup_by(|one, other| one.id == other.id);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    match found.as_slice() {
        [only] if cursor.is_none() => Ok(only.id.clone()),
        [] if cursor.is_none() => Err(Exit::NotFound.because(format_args!("no job's id begins with {prefix}"))),
        [] | [_] => {
            let most = MOST_PAGES * PAGE;
            let message = format!("there are more than {most} jobs, too many to look for {prefix}: use the whole id");
            Err(Exit::Usage.because(message))
        }
        several => {
            let mut message = format!("{prefix} begins the ids of several jobs; add characters:");
            for item in several.iter().take(SHOWN) {
                message.push_str(&format!("\n  {} {} {}", item.id, item.task, item.state));
            }
            if several.len() > SHOWN {
                message.push_str(&format!("\n  and {} more", several.len() - SHOWN));
            }
            Err(Exit::Usage.because(message))
        }
    }
}
