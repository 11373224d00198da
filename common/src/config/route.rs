//! A task's further URL path: what it may look like, and that no two claim the same one.

use super::{Faults, Place};
use crate::model::{TaskDef, TaskName};
use std::collections::BTreeMap;

/// First segments that are Dayfly's own.
const OWN: [&str; 12] = [
    "v1",
    "healthz",
    "readyz",
    "metrics",
    "openapi.json",
    "docs",
    "ui",
    "assets",
    "static",
    "favicon.ico",
    "login",
    "logout",
];

/// The path as given, when it can be a route.
pub(super) fn check(path: &str) -> Result<String, String> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err(format!("`{path}` must begin with `/`"));
    };
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte);
    let segment = |text: &str| !text.is_empty() && text != "." && text != ".." && text.bytes().all(usual);
    if rest.len() > 200 || !rest.split('/').all(segment) {
        return Err(format!(
            "`{path}` cannot be a route: use segments of letters, digits, `_`, `-`, `.` or `~`, for example /compute/async"
        ));
    }
    let first = rest.split('/').next().unwrap_or_default();
    if OWN.contains(&first) {
        return Err(format!("`{path}` clashes with Dayfly's own /{first}"));
    }
    Ok(path.to_owned())
}

/// Notes every route that an earlier line of the file has taken.
pub(super) fn unique(tasks: &BTreeMap<TaskName, (TaskDef, Option<Place>)>, faults: &mut Faults) {
    let mut by_line: Vec<(&Place, &TaskName, &str)> = tasks
        .iter()
        .filter_map(|(name, (task, place))| Some((place.as_ref()?, name, task.route.as_deref()?)))
        .collect();
    by_line.sort();
    let mut taken: BTreeMap<&str, &TaskName> = BTreeMap::new();
    for (place, name, route) in by_line {
        if let Some(first) = taken.get(route) {
            faults.note(place, format!("[tasks.{name}] route: `{route}` is already the route of `{first}`"));
        } else {
            taken.insert(route, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_of_nobody_elses_are_routes() {
        for good in ["/a", "/compute_something/async", "/v2/x", "/a.b/~c"] {
            assert_eq!(check(good).as_deref(), Ok(good));
        }
        for wrong in
            ["", "a", "/", "/a/", "//a", "/a/../b", "/{x}", "/a?b", "/a b", "/v1/tasks", "/healthz", "/login", "/ä"]
        {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }
}
