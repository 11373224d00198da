//! Problems (RFC 9457): the one place where an error becomes an HTTP answer.
//!
//! A handler returns a [`Problem`]; `front.rs` knows the request's id, writes the body and logs the cause, once. A cause
//! never leaves the process: it may hold addresses and what a server said.

mod causes;
mod code;

pub(crate) use causes::unknown_job;
pub(crate) use code::Code;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, header},
    response::IntoResponse,
};
use serde::Serialize;
use std::{fmt, sync::Arc};

/// One fault of several: where in the input, and what is wrong there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Fault {
    /// A JSON pointer (RFC 6901) into the input; empty for the whole of it.
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

/// A member's name within a JSON pointer (RFC 6901, 3).
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// An error on its way to the client. Boxed: results of handlers stay small.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    code: Code,
    detail: String,
    faults: Vec<Fault>,
    headers: Vec<(HeaderName, HeaderValue)>,
    job: Option<String>,
    cause: Option<Arc<str>>,
    hang_up: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
    errors: &'a [Fault],
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<&'a str>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let (faults, headers, job, cause) = (Vec::new(), Vec::new(), None, None);
        Self(Box::new(Parts { code, detail: detail.into(), faults, headers, job, cause, hang_up: false }))
    }

    /// No answer at all: the connection is closed. For clients that are gone or too slow to be worth one.
    pub(crate) fn hang_up(why: impl Into<String>) -> Self {
        let mut problem = Self::new(Code::Internal, why);
        problem.0.hang_up = true;
        problem
    }

    pub(crate) fn hangs_up(&self) -> bool {
        self.0.hang_up
    }

    /// Adds a fault for `errors`.
    pub(crate) fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        self.0.faults = faults;
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    pub(crate) fn retry_after(self, seconds: u16) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Names the job the problem is about, in the member `job`.
    pub(crate) fn about(mut self, job: impl fmt::Display) -> Self {
        self.0.job = Some(job.to_string());
        self
    }

    /// What was behind it: logged, never returned.
    pub(crate) fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(Arc::from(cause.to_string()));
        self
    }

    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    #[cfg(test)]
    pub(crate) fn faults(&self) -> &[Fault] {
        &self.0.faults
    }

    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Seconds after which a client may try again.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        let mut headers = self.0.headers.iter();
        headers.find_map(|(name, value)| value.to_str().ok().filter(|_| name == header::RETRY_AFTER)?.parse().ok())
    }

    /// The document that clients read.
    pub(crate) fn document(&self, request_id: &str) -> Vec<u8> {
        let Parts { code, detail, faults, job, .. } = &*self.0;
        let (word, status, title) = code.facts();
        let document = Document {
            r#type: format!("urn:dayfly:problem:{word}"),
            title,
            status: status.as_u16(),
            detail,
            code: word,
            request_id,
            errors: faults,
            job: job.as_deref(),
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }

    /// The finished answer.
    pub(crate) fn render(&self, request_id: &str) -> Response<Body> {
        let mut response = Response::new(Body::from(self.document(request_id)));
        *response.status_mut() = self.code().status();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().extend(self.0.headers.iter().cloned());
        response
    }
}

/// Leaves the problem in the answer's extensions: `front.rs` renders it.
impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        let mut response = axum::response::Response::new(Body::empty());
        *response.status_mut() = self.code().status();
        response.extensions_mut().insert(self);
        response
    }
}
