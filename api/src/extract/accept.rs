//! `Accept` (RFC 9110, 12.5.1): an answer that the client says it cannot read is 406, before anything is done.

use crate::error::{Code, Problem};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

/// The client's `Accept`, for routes whose media type is known only later.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepts;

/// This route answers `application/json`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantsJson;

/// This route answers `text/plain`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantsText;

/// This route answers `text/event-stream`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantsEvents;

impl Accepts {
    /// Refuses unless `offered` (`type/subtype`) is acceptable.
    pub(crate) fn check(headers: &HeaderMap, offered: &str) -> Result<(), Problem> {
        let mut lists = headers.get_all(header::ACCEPT).iter().peekable();
        if lists.peek().is_none() || lists.any(|list| list.to_str().is_ok_and(|list| acceptable(list, offered))) {
            return Ok(());
        }
        Err(Problem::new(
            Code::NotAcceptable,
            format!(
                "Here the answer is `{offered}`, which the `Accept` header excludes: ask for `{offered}` or `*/*`."
            ),
        ))
    }

    /// Whether the client names this type itself, and does not exclude it.
    pub(crate) fn names(headers: &HeaderMap, offered: &str) -> bool {
        let lists = headers.get_all(header::ACCEPT).iter().filter_map(|list| list.to_str().ok());
        lists.flat_map(|list| list.split(',')).any(|range| {
            let name = range.split(';').next().unwrap_or_default().trim();
            name.eq_ignore_ascii_case(offered) && acceptable(range, offered)
        })
    }
}

/// Whether a list of ranges admits a type. The most specific range decides, so that `*/*, text/html;q=0` works.
fn acceptable(list: &str, offered: &str) -> bool {
    let (offered_type, _) = offered.split_once('/').unwrap_or((offered, ""));
    let mut best: Option<(u8, bool)> = None;
    for range in list.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        if name.is_empty() {
            continue;
        }
        let rank = match name.split_once('/') {
            Some(_) if name == offered => 3,
            Some((kind, "*")) if kind == offered_type => 2,
            Some(("*", "*")) => 1,
            Some(_) | None if name == "*" => 1,
            Some(_) | None => continue,
        };
        let wanted = !parts.any(|part| {
            let (name, value) = part.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("q") && value.trim().parse::<f32>().is_ok_and(|quality| quality <= 0.0)
        });
        if best.is_none_or(|(earlier, _)| rank > earlier) {
            best = Some((rank, wanted));
        }
    }
    // An `Accept` without any range says nothing.
    best.map_or_else(|| list.trim().is_empty(), |(_, wanted)| wanted)
}

impl<S: Send + Sync> FromRequestParts<S> for WantsJson {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Accepts::check(&parts.headers, "application/json").map(|()| Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WantsText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Accepts::check(&parts.headers, "text/plain").map(|()| Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WantsEvents {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Accepts::check(&parts.headers, "text/event-stream").map(|()| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_admit_or_exclude() {
        let json = "application/json";
        for list in [
            "*/*",
            "application/json",
            "application/*",
            "text/html, application/json;q=0.5",
            "APPLICATION/JSON; charset=utf-8",
            "text/html, image/gif, *; q=.2",
            "application/problem+json, */*;q=0.1",
            "",
        ] {
            assert!(acceptable(list, json), "{list}");
        }
        for list in ["text/html", "application/xml, text/*", "application/json;q=0", "*/*, application/json; q=0.0"] {
            assert!(!acceptable(list, json), "{list}");
        }
    }
}
