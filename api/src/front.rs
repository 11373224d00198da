//! What every request passes on its way in and out: its id, its size, the Host and Origin check, the load, who asks, panics,
//! problems, common headers, the access log.

use crate::{
    access::Record,
    app::App,
    arriving::Arriving,
    auth, cors,
    error::{Code, Problem},
    origin::{self, Asked},
    pages,
    proxy::{self, Origins},
    stages::Busy,
};
use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header},
};
use futures_util::FutureExt as _;
use std::{any::Any, net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Instant};
use tower::Service as _;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id of a client's own.
const LONGEST_ID: usize = 128;
/// Longest path and query together, bytes.
const LONGEST_URL: usize = 8 << 10;
/// All names and values of headers together, bytes.
const LARGEST_HEADERS: usize = 32 << 10;

/// What no answer lacks. What is answered here is data, never a page.
const COMMON: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// The request's id, for handlers whose answer holds problems of its own.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

/// Whether the client is known to speak TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Secure(pub(crate) bool);

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed without an answer")]
pub(crate) struct HungUp;

/// How a request came in.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The other end of the connection.
    pub(crate) peer: IpAddr,
    /// The connection speaks TLS.
    pub(crate) tls: bool,
    /// There was no place for its connection: it is only told so.
    pub(crate) lobby: bool,
    /// Held until the answer is written.
    pub(crate) busy: Option<Busy>,
}

/// Answers one request.
pub(crate) async fn answer<B>(
    app: &App,
    router: Router,
    mut request: Request<B>,
    arrival: Arrival,
) -> Result<Response<Body>, HungUp>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let Arrival { peer, tls, lobby, busy } = arrival;
    let origins = proxy::origins(request.headers(), peer, tls, &app.trusted_proxies);
    let record = Record {
        wanted: app.access_log,
        begun: Instant::now(),
        id: request_id(request.headers()),
        client: origins.client,
        method: request.method().clone(),
        uri: request.uri().clone(),
        status: None,
        bytes: 0,
        busy,
    };
    request.extensions_mut().insert(RequestId(Arc::from(record.id.as_str())));
    request.extensions_mut().insert(Secure(origins.secure == Some(true)));
    let of_a_page = pages::Asked::of(request.method(), request.uri(), request.headers());
    let page = app.rules.allowed_origin(request.headers()).and_then(|origin| HeaderValue::from_str(origin).ok());
    let old = request.version() < Version::HTTP_2;
    let mut response = respond(app, router, request, &origins, lobby).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        log(&problem, &record);
        if problem.hangs_up() {
            return Err(HungUp);
        }
        let allowed = response.headers_mut().remove(header::ALLOW);
        response = match &of_a_page {
            Some(asked) => asked.refusal(&problem, &record.id),
            None => problem.render(&record.id),
        };
        if let Some(allowed) = allowed {
            response = allowing(response, &allowed, &record.method);
        }
    }
    let headers = response.headers_mut();
    for (name, value) in COMMON {
        headers.entry(name).or_insert(value);
    }
    cors::mark(headers, page.as_ref(), &app.rules);
    if let Ok(value) = HeaderValue::from_str(&record.id) {
        headers.insert(REQUEST_ID, value);
    }
    if old && (lobby || app.closing.is_cancelled()) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let own_route = |path: &str| app.catalogue.is_route(path);
    app.metrics.answered(&record.method, record.uri.path(), own_route, response.status());
    Ok(record.follow(response))
}

async fn respond<B>(
    app: &App,
    mut router: Router,
    mut request: Request<B>,
    origins: &Origins,
    lobby: bool,
) -> Response<Body>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    use axum::response::IntoResponse as _;
    let path = request.uri().path();
    if path == "*" && request.method() == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    if let Err(refused) = check_head(request.uri(), request.headers()) {
        return refused.into_response();
    }
    // Probes come from anywhere, learn nothing, and are answered whatever there is to do.
    let probe = matches!(path, "/healthz" | "/readyz");
    let mut ticket = None;
    if !probe {
        let asked = Asked {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            forwarded_host: origins.host.as_deref(),
            secure: origins.secure,
        };
        if let Err(refused) = origin::check(asked, &app.rules) {
            return refused.into_response();
        }
        if let Some(answer) = cors::preflight(&request, &app.rules) {
            return answer;
        }
        match if lobby { Err(no_place()) } else { app.load.enter() } {
            Ok(entered) => ticket = Some(entered),
            Err(refused) => return refused.into_response(),
        }
    }
    match auth::admit(app, request.method(), request.uri().path(), request.headers()).await {
        Ok(principal) => drop(principal.map(|principal| request.extensions_mut().insert(principal))),
        Err(refused) => return refused.into_response(),
    }
    let request = request.map(|body| Arriving::new(body, ticket.clone()));
    let answer = async move {
        match router.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    };
    let answer = AssertUnwindSafe(answer).catch_unwind();
    let answered = match ticket {
        Some(ticket) => ticket.hold(answer).await,
        None => answer.await,
    };
    match answered {
        Ok(response) => response,
        Err(panic) => {
            let detail = "A fault of this server. The log has it under this request_id; please report it.";
            Problem::new(Code::Internal, detail).caused_by(words(&*panic)).into_response()
        }
    }
}

/// What a connection beyond the bound is told.
fn no_place() -> Problem {
    let detail = "This server has as many connections as it takes (`max_connections` in the section [api] of its \
                  configuration), and somebody waits on each. Nothing was done; please try again.";
    Problem::new(Code::Overloaded, detail).retry_after(1)
}

/// A head that is larger than any honest one.
fn check_head(uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let target = uri.path().len() + uri.query().map_or(0, str::len);
    if target > LONGEST_URL {
        let detail =
            format!("The URL has {target} bytes, and {LONGEST_URL} are the most: long values belong in the body.");
        return Err(Problem::new(Code::UrlTooLong, detail));
    }
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > LARGEST_HEADERS {
        let detail = format!("The headers have {size} bytes together, and {LARGEST_HEADERS} are the most.");
        return Err(Problem::new(Code::HeadTooLarge, detail));
    }
    Ok(())
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

fn log(problem: &Problem, record: &Record) {
    let Record { id, method, uri, .. } = record;
    let path = uri.path();
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
    use dayfly_common::{config::ListenerConfig, queue::Queue};
    use std::net::Ipv4Addr;

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
        let redis = crate::testing::no_redis();
        let listener = ListenerConfig::default();
        let settings =
            ApiSettings { max_body: 1, max_wait_ms: 1, insecure: false, tasks: Vec::new(), listener, tls: None };
        let app = App::new(settings, Queue::new(&redis).unwrap(), Ipv4Addr::LOCALHOST.into());
        let request = Request::builder().uri("/healthz").header(header::HOST, "localhost").body(Body::empty()).unwrap();
        let arrival = Arrival { peer: Ipv4Addr::LOCALHOST.into(), tls: false, lobby: false, busy: None };
        let answer = answer(&app, Router::new().route("/healthz", get(panics)), request, arrival).await.unwrap();
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
