//! Requests to the API, and their answers.

use super::{
    Exit,
    problem::Problem,
    profile::{Connection, Target},
};
use crate::failure::Failure;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, USER_AGENT},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{error::Error as _, time::Duration};

/// Longer than the server's longest wait for a job.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How often what may be repeated is sent, and the pause before each further time.
const MOST_TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);

/// An API.
#[derive(Debug)]
pub(super) struct Api {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    target: Target,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    repeatable: bool,
}

/// A whole answer of the API, a good one.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

/// Why there is no good answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The API refused.
    Problem(Problem),
    /// Nothing was heard, or what was heard broke off.
    Lost(String),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Problem(problem) => problem.into(),
            Refusal::Lost(why) => Exit::Error.because(why),
        }
    }
}

impl Ask {
    /// A request; a GET may be repeated.
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        let repeatable = method == Method::GET;
        Self { method, path: path.into(), headers: Vec::new(), body: Bytes::new(), repeatable }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn body(self, content_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self { body, ..self }.header("content-type", content_type)
    }

    /// Sending it again does nothing more: it has a key, or does what is done once.
    pub(super) fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }
}

impl Api {
    /// The API that flags, environment and profiles name. Nothing is sent yet.
    pub(super) fn new(connection: &Connection) -> Result<Self, Failure> {
        let mut target = connection.target()?;
        target.url = target.url.trim_end_matches('/').to_owned();
        let uri: Option<Uri> = target.url.parse().ok();
        if !uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none()) {
            let message = format!("`{}` is no URL of an API: use one such as http://127.0.0.1:8080", target.url);
            return Err(Exit::Usage.because(message));
        }
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT_WITHIN));
        tcp.set_nodelay(true);
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(|why| Exit::Error.because(format_args!("the system's certificates: {why}")))?;
        let connector = tls.https_or_http().enable_http1().wrap_connector(tcp);
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), target })
    }

    /// Sends it, reads the whole answer.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Answer, Refusal> {
        let mut tries = 1;
        loop {
            match self.ask_once(&ask).await {
                Err(Refusal::Lost(_)) if ask.repeatable && tries < MOST_TRIES => {}
                Err(Refusal::Problem(problem)) if ask.repeatable && tries < MOST_TRIES && problem.status == 503 => {}
                answer => return answer,
            }
            tokio::time::sleep(PAUSE * tries).await;
            tries += 1;
        }
    }

    async fn ask_once(&self, ask: &Ask) -> Result<Answer, Refusal> {
        let response = self.open(ask).await?;
        let status = response.status();
        Ok(Answer { status, body: self.read(response).await? })
    }

    /// Sends it; the body of the answer is still to be read.
    pub(super) async fn open(&self, ask: &Ask) -> Result<Response<Incoming>, Refusal> {
        let url = format!("{}{}", self.target.url, ask.path);
        let agent = concat!("dayfly/", env!("CARGO_PKG_VERSION"));
        let mut request = Request::builder().method(&ask.method).uri(&url).header(USER_AGENT, agent);
        if let Some(token) = &self.target.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(ask.body.clone()));
        let request = request.map_err(|why| Refusal::Lost(format!("{url} cannot be asked: {why}")))?;
        let answer = tokio::time::timeout(ANSWER_WITHIN, self.client.request(request)).await;
        let silent = || Refusal::Lost(format!("{} has not answered within {ANSWER_WITHIN:?}", self.target.url));
        let response = answer.map_err(|_| silent())?.map_err(|why| Refusal::Lost(self.unreachable(&why)))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = self.read(response).await?;
        Err(Refusal::Problem(Problem::of(status, &body, &self.target.url)))
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Bytes, Refusal> {
        let broke = |why| Refusal::Lost(format!("the answer of {} broke off: {why}", self.target.url));
        response.into_body().collect().await.map(|body| body.to_bytes()).map_err(broke)
    }

    fn unreachable(&self, why: &hyper_util::client::legacy::Error) -> String {
        let mut text = why.to_string();
        let mut cause = why.source();
        while let Some(next) = cause {
            text = next.to_string();
            cause = next.source();
        }
        let hint =
            if why.is_connect() { ". Is it running? `dayfly dev` starts one; DAYFLY_URL says where" } else { "" };
        format!("{} cannot be reached: {text}{hint}", self.target.url)
    }
}
