//! A problem as a page, for who asked for one; without a token, the way to the login.

use super::{
    layout::Page,
    table::is_page,
    visit::{up, wants_page},
};
use crate::error::{Code, Problem};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header},
    response::IntoResponse as _,
};
use maud::html;

/// A request for a page, as far as its refusal needs it.
#[derive(Debug)]
pub(crate) struct Asked {
    path: String,
    /// Path and query from the root on, without the first slash: where the login leads.
    target: String,
}

impl Asked {
    /// Of a request for a page.
    pub(crate) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let path = uri.path();
        let asked = (*method == Method::GET || *method == Method::HEAD) && is_page(path) && wants_page(headers);
        let target = uri.path_and_query().map(|whole| whole.as_str().trim_start_matches('/').to_owned());
        asked.then(|| Self { path: path.to_owned(), target: target.unwrap_or_default() })
    }

    /// The answer to the visitor.
    pub(crate) fn refusal(&self, problem: &Problem, request_id: &str) -> Response<Body> {
        let up = up(&self.path);
        if problem.code() == Code::Unauthorized {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("next", &self.target);
            return redirect(&format!("{up}login?{}", query.finish()));
        }
        let (_, status, title) = problem.code().facts();
        // What passes by itself: the script looks again, and so does a browser without scripts.
        let passes = status == StatusCode::SERVICE_UNAVAILABLE;
        let body = html! {
            h1 { @if problem.code() == Code::RedisUnavailable { "Redis cannot be reached" } @else { (title) } }
            div.problem role="alert" data-away[passes] {
                p { (problem.detail()) }
                @if passes {
                    p {
                        "This page looks again by itself, every two seconds. "
                        "Nothing is lost meanwhile: jobs that run go on."
                    }
                }
            }
            p { small { "code " code { (problem.code().as_str()) } " · request " code { (request_id) } } }
        };
        let title = title.to_owned();
        let every_ms = passes.then_some(2_000);
        let mut response =
            Page { up, title, path: self.path.clone(), body, who: None, every_ms, status: status.as_u16() }
                .into_response();
        if passes {
            response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("10"));
        }
        response
    }
}

/// 303, to an address relative to the request's own.
pub(super) fn redirect(to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("./"));
    response.headers_mut().insert(header::LOCATION, to);
    response
}
