//! The HTTP API within the test's own process, against a Redis of the test's own.

use crate::{Server, conformity};
use dayfly_api::ApiSettings;
use dayfly_common::{
    config::ListenerConfig,
    model::TaskDef,
    queue::{Queue, RedisSettings},
};
use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;
use std::{net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// A running API with its Redis.
#[derive(Debug)]
pub struct Api {
    /// Its Redis.
    pub server: Server,
    /// The same queue, for a test to play the worker.
    pub queue: Queue,
    /// A client that follows nothing and reuses connections.
    pub client: Client,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<Result<(), dayfly_api::ServeError>>>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Api {
    /// With a body of at most 64 KiB and waits of at most 5 s.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start(tasks: Vec<TaskDef>) -> Self {
        Self::start_under(ListenerConfig::default(), tasks).await
    }

    /// As [`Api::start`], with other rules of its listener.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start_under(listener: ListenerConfig, tasks: Vec<TaskDef>) -> Self {
        Self::start_with(ApiSettings { listener, ..Self::settings(tasks) }).await
    }

    /// The settings of [`Api::start`].
    #[must_use]
    pub fn settings(tasks: Vec<TaskDef>) -> ApiSettings {
        let listener = ListenerConfig::default();
        ApiSettings { max_body: 64 << 10, max_wait_ms: 5_000, insecure: false, tasks, listener, tls: None }
    }

    /// With these settings.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn start_with(settings: ApiSettings) -> Self {
        let server = Server::start();
        let queue = queue(&server.url());
        queue.ensure_library().await.expect("the library loads");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (stop, stopped) = oneshot::channel();
        let serving = dayfly_api::serve(settings, queue.clone(), listener, async move { drop(stopped.await) });
        let client =
            Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { server, queue, client, address, stop: Some(stop), serving: Some(tokio::spawn(serving)) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A request to be filled and sent.
    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        answer(self.ask(Method::GET, path)).await
    }

    /// POST without a body.
    pub async fn post(&self, path: &str) -> Answer {
        answer(self.ask(Method::POST, path)).await
    }

    /// POST of a JSON text.
    pub async fn post_json(&self, path: &str, json: &str) -> Answer {
        let request = self.ask(Method::POST, path).header("content-type", "application/json");
        answer(request.body(json.to_owned())).await
    }

    /// Begins a shutdown.
    pub fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits for the end of a shutdown.
    ///
    /// # Panics
    /// When it failed, or takes longer than 10 s.
    pub async fn stopped(&mut self) {
        let serving = self.serving.take().expect("it was serving");
        let ended = tokio::time::timeout(Duration::from_secs(10), serving).await.expect("an end within 10 s");
        ended.expect("no panic").expect("no fault");
    }
}

/// A queue on a server, with the deadline of production.
///
/// # Panics
/// When the URL is not one.
#[must_use]
pub fn queue(url: &str) -> Queue {
    let settings = RedisSettings {
        url: url.to_owned(),
        prefix: "dayfly".to_owned(),
        pool_size: 16,
        command_deadline: Duration::from_millis(1_500),
        wait_replicas: 0,
        require_durable: false,
    };
    Queue::new(&settings).expect("a good URL")
}

/// Sends a request and reads its answer, which must be one that the API's document tells of.
///
/// # Panics
/// When there is none, or another.
pub async fn answer(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.expect("a request");
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let response = client.execute(request).await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let answer = Answer { status, headers, body: response.bytes().await.expect("a whole body").into() };
    // Elsewhere: the API is answering others in this very thread.
    let checked = tokio::task::spawn_blocking(move || {
        conformity::must_be_told(&method, &path, &answer);
        answer
    });
    checked.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|why| panic!("{why}: {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value; empty when absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A string member of the JSON body.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn member(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no string `{name}` in {}", self.text())).to_owned()
    }

    /// Checks that this is a problem of this status and code, whole in all its members, whose words contain `says`.
    ///
    /// # Panics
    /// When it is not.
    pub fn must_be_problem(&self, status: u16, code: &str, says: &str) {
        let body = self.text();
        assert_eq!(self.status, status, "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{body}");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{body}");
        assert_eq!(problem["status"], status, "{body}");
        assert_eq!(problem["type"], format!("urn:dayfly:problem:{code}"), "{body}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{body}");
        assert!(problem["errors"].is_array(), "{body}");
        assert_eq!(problem["request_id"], self.header("x-request-id"), "{body}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(says)), "`{says}` is not in {body}");
    }
}
