//! What every request passes on its way in and out: its id, the Host and Origin check, panics, problems, common headers.

use crate::{
    app::App,
    error::{Code, Problem},
    origin,
};
use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header},
};
use futures_util::FutureExt as _;
use std::{any::Any, panic::AssertUnwindSafe, time::Instant};
use tower::Service as _;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id of a client's own.
const LONGEST_ID: usize = 128;

/// What no answer lacks. What is answered here is data, never a page.
const COMMON: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed without an answer")]
pub(crate) struct HungUp;

/// Answers one request.
pub(crate) async fn answer<B>(app: &App, router: Router, request: Request<B>) -> Result<Response<Body>, HungUp>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let begun = Instant::now();
    let id = request_id(request.headers());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut response = respond(app, router, request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        log(&problem, &id, &method, uri.path());
        if problem.hangs_up() {
            return Err(HungUp);
        }
        let allowed = response.headers_mut().remove(header::ALLOW);
        response = problem.render(&id);
        if let Some(allowed) = allowed {
            response = allowing(response, &allowed, &method);
        }
    }
    let headers = response.headers_mut();
    for (name, value) in COMMON {
        headers.entry(name).or_insert(value);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    let (status, ms) = (response.status().as_u16(), begun.elapsed().as_millis());
    tracing::debug!(request_id = id, %method, path = uri.path(), status, ms, "answered {method} {}", uri.path());
    Ok(response)
}

async fn respond<B>(app: &App, mut router: Router, request: Request<B>) -> Response<Body>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    use axum::response::IntoResponse as _;
    let path = request.uri().path();
    if path == "*" && request.method() == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    // Probes come from anywhere and learn nothing.
    let probe = matches!(path, "/healthz" | "/readyz");
    if !probe && let Err(refused) = origin::check(request.method(), request.uri(), request.headers(), app.on_loopback) {
        return refused.into_response();
    }
    let answer = async move {
        match router.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    };
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let detail = "A fault of this server. The log has it under this request_id; please report it.";
            Problem::new(Code::Internal, detail).caused_by(words(&*panic)).into_response()
        }
    }
}

/// A 405 says what is allowed; the same list answers `OPTIONS`.
fn allowing(mut response: Response<Body>, allowed: &HeaderValue, method: &Method) -> Response<Body> {
    let list = format!("{}, OPTIONS", allowed.to_str().unwrap_or_default().replace(',', ", "));
    if method == Method::OPTIONS {
        response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    if let Ok(value) = HeaderValue::from_str(&list) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// The client's own id when it is a harmless word, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte);
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(harmless))
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn log(problem: &Problem, id: &str, method: &Method, path: &str) {
    let code = problem.code().as_str();
    let cause = problem.cause().unwrap_or_default();
    if problem.hangs_up() {
        tracing::info!(request_id = id, %method, path, "hung up on {method} {path}: {}", problem.detail());
    } else if problem.code() == Code::Internal {
        tracing::error!(request_id = id, %method, path, code, cause, "{method} {path} failed: {cause}");
    } else if !cause.is_empty() {
        tracing::warn!(request_id = id, %method, path, code, cause, "{method} {path} failed: {cause}");
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", said.unwrap_or("without words"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiSettings;
    use axum::{body::to_bytes, routing::get};
    use dayfly_common::queue::{Queue, RedisSettings};
    use std::{net::Ipv4Addr, time::Duration};

    #[test]
    fn an_id_is_taken_over_or_made() {
        let with = |id: &str| request_id(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(id).unwrap())]));
        assert_eq!(with("abc-1"), "abc-1");
        for id in ["", "a b", "<script>", &"x".repeat(LONGEST_ID + 1)] {
            assert_eq!(with(id).len(), 36, "{id}");
        }
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a route that panics, of this test alone")]
    async fn a_panic_is_a_problem_without_its_words() {
        async fn panics() -> &'static str {
            panic!("the secret of this server")
        }
        let redis = RedisSettings {
            url: "redis://127.0.0.1:1/0".to_owned(),
            prefix: "dayfly".to_owned(),
            pool_size: 1,
            command_deadline: Duration::from_millis(100),
            wait_replicas: 0,
            require_durable: false,
        };
        let settings = ApiSettings { max_body: 1, max_wait_ms: 1, tasks: Vec::new() };
        let app = App::new(settings, Queue::new(&redis).unwrap(), Ipv4Addr::LOCALHOST.into());
        let request = Request::builder().uri("/").header(header::HOST, "localhost").body(Body::empty()).unwrap();
        let answer = answer(&app, Router::new().route("/", get(panics)), request).await.unwrap();
        assert_eq!(answer.status(), 500);
        let id = answer.headers()[REQUEST_ID].to_str().unwrap().to_owned();
        let body = String::from_utf8(to_bytes(answer.into_body(), 10_000).await.unwrap().into()).unwrap();
        assert!(body.contains("\"code\":\"internal\"") && body.contains(&id) && !body.contains("secret"), "{body}");
    }

    #[test]
    fn a_panic_keeps_its_words() {
        assert_eq!(words(&"plain"), "panic: plain");
        assert_eq!(words(&"owned".to_owned()), "panic: owned");
        assert_eq!(words(&5), "panic: without words");
    }
}
