//! GET /openapi.json: this API, described for programs. GET /docs: the same for people.

use super::{jobs::matches_tag, reply::entity_tag};
use crate::{
    app::App,
    error::{Code, Problem},
    extract::{Accepts, WantsJson, query},
    openapi,
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header},
};
use std::sync::Arc;

/// What the page may load: its own style, and nothing from elsewhere.
const PAGE_POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// GET /openapi.json. Redis is not asked when it is away: then the tasks are those last known.
pub(crate) async fn document(
    State(app): State<Arc<App>>,
    _: WantsJson,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    query(&uri, &[])?;
    let catalogue = app.catalogue.current().await;
    let document = openapi::with_tasks(catalogue.tasks().map(|task| &**task));
    let body = serde_json::to_vec(&document)
        .map_err(|why| Problem::new(Code::Internal, "The document could not be written.").caused_by(why))?;
    Ok(tagged(of_kind("application/json", body), &headers))
}

/// GET /docs
pub(crate) async fn page(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response<Body>, Problem> {
    Accepts::check(&headers, "text/html")?;
    query(&uri, &[])?;
    let catalogue = app.catalogue.current().await;
    let page = openapi::page(catalogue.tasks().map(|task| &**task));
    let mut response = of_kind("text/html; charset=utf-8", page.into_bytes());
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    Ok(tagged(response, &headers))
}

/// GET /docs/style.css
pub(crate) async fn style(uri: Uri, headers: HeaderMap) -> Result<Response<Body>, Problem> {
    Accepts::check(&headers, "text/css")?;
    query(&uri, &[])?;
    Ok(tagged(of_kind("text/css; charset=utf-8", openapi::STYLE.into()), &headers))
}

fn of_kind(kind: &'static str, body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The answer with its tag; without its body when the client has that already.
fn tagged(mut response: Response<Bytes>, headers: &HeaderMap) -> Response<Body> {
    let tag = entity_tag(response.body());
    if matches_tag(headers, &tag) {
        *response.body_mut() = Bytes::new();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response.map(Body::from)
}
