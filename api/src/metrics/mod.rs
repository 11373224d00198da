//! What an API process tells Prometheus: what it did itself, and the numbers of the whole installation (`fleet.rs`), which every
//! API process reads from Redis and tells alike.

mod fleet;

use crate::auth::template;
use axum::http::{Method, StatusCode};
use dayfly_common::{
    metrics::{Exposition, names},
    model::TaskName,
    queue::Queue,
};
use fleet::Fleet;
use prometheus::IntCounterVec;

/// A path that no route has.
const ELSEWHERE: &str = "other";

/// This process's metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    own: Exposition,
    requests: IntCounterVec,
    submitted: IntCounterVec,
    fleet: Fleet,
}

impl Metrics {
    pub(crate) fn new(queue: &Queue) -> Self {
        let own = Exposition::of("api");
        queue.metrics().expose(&own);
        let requests = own.counters(&names::HTTP_REQUESTS);
        let submitted = own.counters(&names::JOBS_SUBMITTED);
        Self { own, requests, submitted, fleet: Fleet::default() }
    }

    /// A request was answered. `own_route`: whether its path is a task's own, of the configuration.
    pub(crate) fn answered(
        &self,
        method: &Method,
        path: &str,
        own_route: impl FnOnce(&str) -> bool,
        status: StatusCode,
    ) {
        let route = match template(path) {
            Some(template) => template,
            None if own_route(path) => path,
            None => ELSEWHERE,
        };
        self.requests.with_label_values(&[method_word(method), route, status.as_str()]).inc();
    }

    /// A new job was taken. Its task is one of the catalogue, so there are few.
    pub(crate) fn submitted(&self, task: &TaskName) {
        self.submitted.with_label_values(&[task.as_str()]).inc();
    }

    /// All of it, as text.
    pub(crate) async fn text(&self, queue: &Queue) -> Result<String, prometheus::Error> {
        self.own.text(&self.fleet.read(queue).await)
    }
}

/// A client may send any word as its method.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => ELSEWHERE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn clients_choose_no_label() {
        let redis = crate::testing::no_redis();
        let queue = Queue::new(&redis).unwrap();
        let metrics = Metrics::new(&queue);
        let brew = Method::from_bytes(b"BREW").unwrap();
        for (method, path, own) in [
            (&brew, "/secret/pot", false),
            (&Method::GET, "/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90", false),
            (&Method::POST, "/compute/async", true),
        ] {
            metrics.answered(method, path, |_| own, StatusCode::OK);
        }
        let text = metrics.text(&queue).await.unwrap();
        for line in [
            r#"dayfly_http_requests_total{method="other",route="other",status="200"} 1"#,
            r#"dayfly_http_requests_total{method="GET",route="/v1/jobs/{id}",status="200"} 1"#,
            r#"dayfly_http_requests_total{method="POST",route="/compute/async",status="200"} 1"#,
            "dayfly_redis_up 0",
        ] {
            assert!(text.lines().any(|told| told == line), "no {line} in {text}");
        }
        assert!(!text.contains("secret") && !text.contains("0198c0de"), "{text}");
    }
}
