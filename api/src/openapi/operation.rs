//! One operation: a method at a path, the handler that answers it, and all that is said of it.
//!
//! Router and document are both made from these values, so neither can know a route that the other does not.

use crate::{app::App, error::Code};
use axum::{
    handler::Handler,
    http::Method,
    routing::{MethodFilter, MethodRouter, on},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// What the document sorts operations by, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Tasks,
    Jobs,
    Workers,
    Server,
}

impl Group {
    pub(crate) const ALL: [Self; 4] = [Self::Tasks, Self::Jobs, Self::Workers, Self::Server];

    /// Its name, and what it is about.
    pub(crate) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Tasks => ("tasks", "What can be run. A task is its own queue; a job is submitted to it."),
            Self::Jobs => ("jobs", "One run of a task: watched, waited for, cancelled, and its result taken."),
            Self::Workers => ("workers", "The processes that run jobs, on any number of hosts."),
            Self::Server => ("server", "This server: its health, and this description of it."),
        }
    }
}

/// The right a caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// None: for probes.
    Open,
    Read,
    Submit,
    Cancel,
    Admin,
}

impl Scope {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Submit => "submit",
            Self::Cancel => "cancel",
            Self::Admin => "admin",
        }
    }
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
}

/// A parameter.
#[derive(Debug, Clone)]
pub(crate) struct Param {
    pub(crate) place: Place,
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) schema: Value,
    pub(crate) example: Value,
    /// Whether the example stands in the operation's example request.
    pub(crate) shown: bool,
}

/// One media type of a body, with an example.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) media: &'static str,
    pub(crate) schema: Value,
    pub(crate) example: Value,
}

/// What an operation takes as its body.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) about: &'static str,
    pub(crate) contents: Vec<Content>,
}

/// A good answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) about: &'static str,
    /// Names of `components/headers`, and whether it is always there.
    pub(crate) headers: Vec<(&'static str, bool)>,
    pub(crate) contents: Vec<Content>,
}

/// A method at a path.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// `operationId`: what generated clients call it.
    pub(crate) id: &'static str,
    pub(crate) group: Group,
    pub(crate) scope: Scope,
    pub(crate) summary: &'static str,
    pub(crate) about: &'static str,
    pub(crate) params: Vec<Param>,
    pub(crate) body: Option<Body>,
    pub(crate) answers: Vec<Answer>,
    /// Each with when it happens here.
    pub(crate) problems: Vec<(Code, &'static str)>,
    handler: MethodRouter<Arc<App>>,
}

impl Param {
    fn new(place: Place, name: &'static str, about: &'static str, schema: Value, example: Value) -> Self {
        Self { place, name, about, schema, example, shown: place == Place::Path }
    }

    pub(crate) fn path(name: &'static str, about: &'static str, schema: Value, example: Value) -> Self {
        Self::new(Place::Path, name, about, schema, example)
    }

    pub(crate) fn query(name: &'static str, about: &'static str, schema: Value, example: Value) -> Self {
        Self::new(Place::Query, name, about, schema, example)
    }

    pub(crate) fn header(name: &'static str, about: &'static str, schema: Value, example: Value) -> Self {
        Self::new(Place::Header, name, about, schema, example)
    }

    /// Has it stand in the example request.
    pub(crate) fn shown(mut self) -> Self {
        self.shown = true;
        self
    }
}

impl Content {
    pub(crate) fn new(media: &'static str, schema: Value, example: impl Into<Value>) -> Self {
        Self { media, schema, example: example.into() }
    }

    /// JSON by a schema of `components/schemas`.
    pub(crate) fn json(schema: &str, example: Value) -> Self {
        Self::new("application/json", json!({ "$ref": format!("#/components/schemas/{schema}") }), example)
    }
}

impl Answer {
    pub(crate) fn new(status: u16, about: &'static str, contents: Vec<Content>) -> Self {
        Self { status, about, headers: Vec::new(), contents }
    }

    pub(crate) fn json(status: u16, about: &'static str, schema: &str, example: Value) -> Self {
        Self::new(status, about, vec![Content::json(schema, example)])
    }

    /// A header that it always has.
    pub(crate) fn with(mut self, header: &'static str) -> Self {
        self.headers.push((header, true));
        self
    }

    /// A header that it has at times.
    pub(crate) fn maybe_with(mut self, header: &'static str) -> Self {
        self.headers.push((header, false));
        self
    }
}

impl Operation {
    /// What `handler` answers to `method` at `path`.
    pub(crate) fn at<H, T>(method: Method, path: &'static str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        // Every method of ours has a filter; a test holds the router against the document.
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        let (params, answers, problems) = (Vec::new(), Vec::new(), Vec::new());
        let (group, scope, summary, about, body) = (Group::Server, Scope::Open, "", "", None);
        let handler = on(filter, handler);
        Self { method, path, id, group, scope, summary, about, params, body, answers, problems, handler }
    }

    pub(crate) fn get<H, T>(path: &'static str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Self::at(Method::GET, path, id, handler)
    }

    pub(crate) fn post<H, T>(path: &'static str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Self::at(Method::POST, path, id, handler)
    }

    pub(crate) fn handler(&self) -> MethodRouter<Arc<App>> {
        self.handler.clone()
    }

    pub(crate) fn of(mut self, group: Group, scope: Scope) -> Self {
        (self.group, self.scope) = (group, scope);
        self
    }

    pub(crate) fn says(mut self, summary: &'static str, about: &'static str) -> Self {
        (self.summary, self.about) = (summary, about);
        self
    }

    pub(crate) fn takes(mut self, params: impl IntoIterator<Item = Param>) -> Self {
        self.params.extend(params);
        self
    }

    pub(crate) fn reads(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    pub(crate) fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    pub(crate) fn refuses(mut self, problems: &[(Code, &'static str)]) -> Self {
        self.problems.extend_from_slice(problems);
        self
    }

    /// The refusals of nearly every route: who asks, what for, and whether the queue is there.
    pub(crate) fn refuses_as_usual(self) -> Self {
        self.refuses(&[
            (Code::BadOption, "the query has a name that this route does not know, or has one twice"),
            (Code::Unauthorized, "there is no token, or not one that is good"),
            (
                Code::Forbidden,
                "the token lacks the scope; the `Host` is not this server's; or the request comes from another site's page",
            ),
            (Code::UrlTooLong, "the URL is longer than 8 KiB"),
            (Code::HeadTooLarge, "the headers are larger than 32 KiB, or more than 100"),
            (Code::Overloaded, "this server has too much to do at the moment; `Retry-After` says when to try again"),
            (Code::NotAcceptable, "the `Accept` header excludes what this route answers"),
            (Code::RedisUnavailable, "the queue cannot be reached or cannot take it now; try again"),
            (Code::Internal, "a fault of this server; its log has it under the `request_id`"),
        ])
    }

    /// The path with its parameters' examples, and the query of the example request.
    pub(crate) fn example_target(&self) -> String {
        let mut path = self.path.to_owned();
        let mut query = form_urlencoded::Serializer::new(String::new());
        for param in self.params.iter().filter(|param| param.shown) {
            let value = words(&param.example);
            match param.place {
                Place::Path => path = path.replace(&format!("{{{}}}", param.name), &value),
                Place::Query => drop(query.append_pair(param.name, &value)),
                Place::Header => {}
            }
        }
        match query.finish() {
            query if query.is_empty() => path,
            query => format!("{path}?{query}"),
        }
    }

    /// A line for a shell. `curl` by itself sends GET, and POST when it has a body.
    pub(crate) fn curl(&self) -> String {
        let mut line = "curl".to_owned();
        let by_itself = if self.body.is_some() { Method::POST } else { Method::GET };
        if self.method != by_itself {
            line = format!("{line} -X {}", self.method);
        }
        for param in self.params.iter().filter(|param| param.shown && param.place == Place::Header) {
            line = format!("{line} -H {}", quoted(&format!("{}: {}", param.name, words(&param.example))));
        }
        if let Some(content) = self.body.as_ref().and_then(|body| body.contents.first()) {
            let body = words(&content.example);
            line = format!("{line} -H 'Content-Type: {}' -d {}", content.media, quoted(&body));
        }
        format!("{line} {}", quoted(&format!("http://127.0.0.1:8080{}", self.example_target())))
    }
}

/// A string as it is, anything else as JSON.
pub(super) fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
