//! Who looks at a page, and from where.

use super::layout::Page;
use crate::{app::App, auth::Principal, error::Problem, extract::Accepts, routes::submit};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Uri, request::Parts},
};
use dayfly_common::model::Scope;
use maud::Markup;
use std::sync::Arc;

/// A request for a page by who may read it.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) who: Principal,
    pub(super) uri: Uri,
    /// What leads from the page to the root: links begin with it.
    pub(super) up: &'static str,
}

/// From a path to the root, relative. (Pages are at most one level deep.)
pub(super) fn up(path: &str) -> &'static str {
    if path.trim_start_matches('/').contains('/') { "../" } else { "./" }
}

/// Whether the client asks for a page, as browsers do.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    Accepts::names(headers, "text/html")
}

impl Visit {
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.who.may(scope)
    }

    /// A page for this visitor.
    pub(super) fn page(&self, title: impl Into<String>, body: Markup) -> Page {
        let path = self.uri.path().to_owned();
        Page { up: self.up, title: title.into(), path, body, who: Some(self.who.clone()), every_ms: None, status: 200 }
    }
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let path = parts.uri.path();
        if !wants_page(&parts.headers) {
            // For programs these paths are what they would be without pages.
            return Err(submit::no_job(app, &parts.method, path).await);
        }
        Ok(Self { who: Principal::of(&parts.extensions)?, up: up(path), uri: parts.uri.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_root() {
        for (path, leads) in [("/", "./"), ("/jobs", "./"), ("/jobs/x", "../"), ("/tasks/x", "../")] {
            assert_eq!(up(path), leads, "{path}");
        }
    }
}
