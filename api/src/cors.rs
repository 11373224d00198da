//! CORS (Fetch standard): what lets the pages of `cors_origins`, and of nobody else, read this server's answers.

use crate::origin::Rules;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header},
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const ASKED: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, X-Request-Id, traceparent",
);
const SHOWN: HeaderValue = HeaderValue::from_static(
    "Location, ETag, Link, Retry-After, Idempotent-Replayed, Preference-Applied, X-Request-Id, Content-Disposition",
);
/// How long a browser may remember a preflight, seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

/// The answer to a preflight of an allowed page.
pub(crate) fn preflight<B>(request: &Request<B>, rules: &Rules) -> Option<Response<Body>> {
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && rules.allowed_origin(request.headers()).is_some();
    if !asks {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ASKED);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
    Some(response)
}

/// What the answer to a page of `origin` carries; `None`: of no allowed page.
pub(crate) fn mark(headers: &mut HeaderMap, origin: Option<&HeaderValue>, rules: &Rules) {
    if rules.cors_origins.is_empty() {
        return;
    }
    // Answers differ by it, so a cache may not give one page's to another.
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN);
    }
}
