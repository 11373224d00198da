//! Which scope a route needs: one table for all of them.
//!
//! A route that stands in no row needs more than it might: `admin` to change anything, `read` to look. Only a POST
//! outside of `/v1` needs `submit`, for it may be a task's own `route`. A test holds this table and the router together.

use axum::http::Method;
use dayfly_common::model::Scope;

/// A route: its method, its path with `{names}`, and the scope it needs. `HEAD` is `GET`.
pub type Route = (&'static str, &'static str, Scope);

/// The routes of this API that need a token, those of later versions among them.
pub const ROUTES: [Route; 37] = [
    ("GET", "/v1/tasks", Scope::Read),
    ("GET", "/v1/tasks/{task}", Scope::Read),
    ("POST", "/v1/tasks/{task}", Scope::Submit),
    ("DELETE", "/v1/tasks/{task}", Scope::Admin),
    ("POST", "/v1/tasks/{task}/pause", Scope::Admin),
    ("POST", "/v1/tasks/{task}/resume", Scope::Admin),
    ("GET", "/v1/jobs", Scope::Read),
    ("POST", "/v1/jobs", Scope::Submit),
    ("POST", "/v1/jobs/actions", Scope::Admin),
    ("GET", "/v1/jobs/{id}", Scope::Read),
    ("PUT", "/v1/jobs/{id}", Scope::Submit),
    ("PATCH", "/v1/jobs/{id}", Scope::Submit),
    ("DELETE", "/v1/jobs/{id}", Scope::Admin),
    ("GET", "/v1/jobs/{id}/result", Scope::Read),
    ("GET", "/v1/jobs/{id}/logs", Scope::Read),
    ("GET", "/v1/jobs/{id}/events", Scope::Read),
    ("GET", "/v1/jobs/{id}/files", Scope::Read),
    ("GET", "/v1/jobs/{id}/files/{name}", Scope::Read),
    ("POST", "/v1/jobs/{id}/cancel", Scope::Cancel),
    ("POST", "/v1/jobs/{id}/retry", Scope::Submit),
    ("GET", "/v1/events", Scope::Read),
    ("GET", "/v1/workers", Scope::Read),
    ("POST", "/v1/workers/{id}/drain", Scope::Admin),
    ("GET", "/v1/schedules", Scope::Read),
    ("GET", "/v1/schedules/{name}", Scope::Read),
    ("PUT", "/v1/schedules/{name}", Scope::Admin),
    ("DELETE", "/v1/schedules/{name}", Scope::Admin),
    ("POST", "/v1/schedules/{name}/pause", Scope::Admin),
    ("POST", "/v1/schedules/{name}/resume", Scope::Admin),
    ("GET", "/metrics", Scope::Read),
    ("GET", "/openapi.json", Scope::Read),
    ("GET", "/docs", Scope::Read),
    ("GET", "/ui", Scope::Read),
    ("GET", "/assets/{name}", Scope::Read),
    ("GET", "/static/{name}", Scope::Read),
    ("GET", "/favicon.ico", Scope::Read),
    ("GET", "/", Scope::Read),
];

/// Probes come from anywhere: they are open, and tell nothing.
pub(super) fn is_open(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}

/// The scope that a request needs; `None`: any token will do, for it only asks which methods there are.
pub(super) fn needed(method: &Method, path: &str) -> Option<Scope> {
    let asked = match method.as_str() {
        "OPTIONS" => return None,
        "HEAD" => "GET",
        other => other,
    };
    let row = ROUTES.iter().find(|(method, pattern, _)| *method == asked && matches(pattern, path));
    Some(match row {
        Some((_, _, scope)) => *scope,
        None if asked == "GET" => Scope::Read,
        None if asked == "POST" && path != "/v1" && !path.starts_with("/v1/") => Scope::Submit,
        None => Scope::Admin,
    })
}

/// Segment by segment, as the router does: `{name}` stands for one that is not empty.
fn matches(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            (Some(_) | None, Some(_) | None) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    fn of(method: &str, path: &str) -> Option<Scope> {
        needed(&Method::from_bytes(method.as_bytes()).unwrap(), path)
    }

    #[test]
    fn routes_need_what_the_table_says() {
        let job = "/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90";
        for (method, path, scope) in [
            ("GET", "/v1/jobs", Scope::Read),
            ("HEAD", job, Scope::Read),
            ("POST", "/v1/tasks/factor", Scope::Submit),
            ("POST", "/v1/tasks/factor/pause", Scope::Admin),
            ("POST", "/v1/jobs/actions", Scope::Admin),
            ("POST", &format!("{job}/cancel"), Scope::Cancel),
            ("POST", &format!("{job}/retry"), Scope::Submit),
            ("DELETE", job, Scope::Admin),
            ("PUT", job, Scope::Submit),
            ("GET", "/metrics", Scope::Read),
        ] {
            assert_eq!(of(method, path), Some(scope), "{method} {path}");
        }
        assert_eq!(of("OPTIONS", job), None);
    }

    #[test]
    fn what_no_row_has_needs_more_rather_than_less() {
        for (method, path, scope) in [
            ("GET", "/nowhere", Scope::Read),
            ("POST", "/compute/async", Scope::Submit),
            ("POST", "/v1x/async", Scope::Submit),
            ("POST", "/v1/nowhere", Scope::Admin),
            ("POST", "/v1", Scope::Admin),
            ("POST", "/v1/tasks/a/b/pause", Scope::Admin),
            ("POST", "/v1/tasks/", Scope::Admin),
            ("POST", "/v1/jobs/x/cancel/", Scope::Admin),
            ("PUT", "/v1/workers", Scope::Admin),
            ("BREW", "/pot", Scope::Admin),
        ] {
            assert_eq!(of(method, path), Some(scope), "{method} {path}");
        }
    }

    /// `.route("/path", get(..).post(..))` of every file of this crate: method and path.
    fn routes_of_the_source() -> Vec<(String, String)> {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut routes = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    // What follows the tests of a file is no route of ours.
                    let text = fs::read_to_string(path).unwrap();
                    routes.extend(routes_in(text.split("#[cfg(test)]").next().unwrap_or_default()));
                }
            }
        }
        routes
    }

    fn routes_in(text: &str) -> Vec<(String, String)> {
        let mut routes = Vec::new();
        let route = concat!(".rou", "te(");
        for rest in text.split(route).skip(1) {
            let (path, methods) = rest.trim_start().trim_start_matches('"').split_once('"').unwrap();
            let (mut depth, mut end) = (1_usize, 0);
            for (at, byte) in methods.bytes().enumerate() {
                depth = match byte {
                    b'(' => depth + 1,
                    b')' => depth - 1,
                    _ => depth,
                };
                end = at;
                if depth == 0 {
                    break;
                }
            }
            for method in ["get", "post", "put", "patch", "delete", "any"] {
                let words = methods[..end].split(|at: char| !at.is_ascii_alphanumeric() && !"_(:".contains(at));
                if words.into_iter().any(|word| word.starts_with(&format!("{method}("))) {
                    routes.push((method.to_uppercase(), path.to_owned()));
                }
            }
        }
        routes
    }

    #[test]
    fn every_route_has_a_row() {
        let routes = routes_of_the_source();
        assert!(
            routes.len() >= 13 && routes.contains(&("POST".to_owned(), "/v1/jobs/{id}/cancel".to_owned())),
            "{routes:?}"
        );
        for (method, path) in routes {
            let row = ROUTES.iter().any(|(known, pattern, _)| *known == method && matches(pattern, &path));
            assert!(row || is_open(&path), "no row for {method} {path}: say in ROUTES which scope it needs");
        }
    }

    #[test]
    fn the_source_is_read_as_it_is_written() {
        let text = concat!(".rou", "te(\"/a/{b}\", get(x::list).post(y)).rou", "te(\n \"/c\",\n delete(z::get_it),\n)");
        let read = routes_in(text);
        let wanted = [("GET", "/a/{b}"), ("POST", "/a/{b}"), ("DELETE", "/c")];
        assert_eq!(read, wanted.map(|(method, path)| (method.to_owned(), path.to_owned())));
    }
}
