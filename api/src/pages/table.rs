//! Which page is where. These routes are not part of the API's document: they are for people.

use super::{assets, job, jobs, login, overview, task, tasks, workers};
use crate::{app::App, routes::submit};
use axum::routing::{MethodRouter, get};
use std::sync::Arc;

/// A page's path, and what answers there.
pub(crate) type Row = (&'static str, MethodRouter<Arc<App>>);

/// Paths whose GET is a page. By other methods they may be a task's own `route`.
pub(super) const PAGES: [&str; 7] = ["/", "/jobs", "/jobs/{id}", "/tasks", "/tasks/{task}", "/workers", "/login"];

/// All of them.
pub(crate) fn all() -> Vec<Row> {
    let or_a_task = |page: MethodRouter<Arc<App>>| page.fallback(submit::by_route);
    vec![
        ("/", or_a_task(get(overview::page))),
        ("/jobs", or_a_task(get(jobs::page))),
        ("/jobs/{id}", or_a_task(get(job::page))),
        ("/tasks", or_a_task(get(tasks::page))),
        ("/tasks/{task}", or_a_task(get(task::page))),
        ("/workers", or_a_task(get(workers::page))),
        ("/login", get(login::page).post(login::sign_in)),
        ("/logout", axum::routing::post(login::sign_out)),
        ("/ui/style.css", get(assets::style)),
        ("/ui/script.js", get(assets::script)),
        ("/ui/icon.svg", get(assets::icon)),
    ]
}

/// Whether a GET of this path is a page.
pub(super) fn is_page(path: &str) -> bool {
    let fits = |pattern: &str| match pattern.rsplit_once('/') {
        Some((folder, last)) if last.starts_with('{') => {
            path.rsplit_once('/').is_some_and(|(of, name)| of == folder && !name.is_empty())
        }
        Some(_) | None => pattern == path,
    };
    PAGES.iter().any(|pattern| fits(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_known_by_their_path() {
        for path in ["/", "/jobs", "/jobs/x", "/tasks/a.b", "/workers", "/login"] {
            assert!(is_page(path), "{path}");
        }
        for path in ["", "/jobs/", "/jobs/x/y", "/logout", "/v1/jobs", "/ui/style.css", "/docs"] {
            assert!(!is_page(path), "{path}");
        }
    }

    #[test]
    fn the_table_has_every_page() {
        let rows = all();
        assert!(PAGES.iter().all(|page| rows.iter().any(|(path, _)| path == page)));
    }
}
