//! Which scope a route needs: one table for all of them.
//!
//! A route that stands in no row needs more than it might: `admin` to change anything, `read` to look. Only a POST
//! outside of `/v1` needs `submit`, for it may be a task's own `route`. A test holds this table and the router together.

use axum::http::Method;
use dayfly_common::model::Scope;

/// A route: its method, its path with `{names}`, and the scope it needs. `HEAD` is `GET`.
pub type Route = (&'static str, &'static str, Scope);

/// The routes of this API that need a token, those of later versions among them.
pub const ROUTES: [Route; 42] = [
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
    ("GET", "/jobs", Scope::Read),
    ("GET", "/jobs/{id}", Scope::Read),
    ("GET", "/tasks", Scope::Read),
    ("GET", "/tasks/{task}", Scope::Read),
    ("GET", "/workers", Scope::Read),
];

/// The paths that need no token.
const OPEN: [&str; 8] =
    ["/healthz", "/readyz", "/docs/style.css", "/login", "/logout", "/ui/style.css", "/ui/script.js", "/ui/icon.svg"];

/// Probes come from anywhere: they are open, and tell nothing. Nor does a style or a script; nor the way in and out.
pub(crate) fn is_open(path: &str) -> bool {
    OPEN.contains(&path)
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

/// The route that a path is of, by its template: for metrics, which must not have what clients choose.
pub(crate) fn template(path: &str) -> Option<&'static str> {
    let open = OPEN.iter().find(|open| **open == path).copied();
    let mut patterns = ROUTES.iter().map(|(_, pattern, _)| *pattern).filter(|pattern| matches(pattern, path));
    open.or_else(|| patterns.clone().find(|pattern| !pattern.contains('{'))).or_else(|| patterns.next())
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
    use crate::operations;

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

    #[test]
    fn every_route_has_a_row_and_the_document_says_the_same() {
        use crate::openapi::Scope as Told;
        for operation in operations::all() {
            let (method, path) = (operation.method.as_str(), operation.path);
            let row = ROUTES.iter().find(|(known, pattern, _)| *known == method && *pattern == path);
            let wanted = match row.map(|(_, _, scope)| *scope) {
                Some(Scope::Read) => Told::Read,
                Some(Scope::Submit) => Told::Submit,
                Some(Scope::Cancel) => Told::Cancel,
                Some(Scope::Admin) => Told::Admin,
                None => {
                    assert!(is_open(path), "no row for {method} {path}: say in ROUTES which scope it needs");
                    Told::Open
                }
            };
            assert_eq!(operation.scope, wanted, "{method} {path}");
        }
    }
}
