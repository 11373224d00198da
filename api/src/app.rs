//! What all handlers share, and which path is whose.

use crate::{
    ApiSettings,
    auth::Known,
    catalogue::Catalogue,
    error::{Code, Problem},
    events::Events,
    files,
    load::Load,
    metrics::Metrics,
    operations,
    origin::Rules,
    pace::Pace,
    pages,
    routes::submit,
    streams::Streams,
};
use axum::Router;
use dayfly_common::queue::{Queue, TaskCard};
use ipnet::IpNet;
use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};
use tokio_util::sync::CancellationToken;

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) queue: Queue,
    pub(crate) catalogue: Catalogue,
    pub(crate) events: Events,
    /// Tokens, and whether one is asked for.
    pub(crate) known: Known,
    pub(crate) streams: Streams,
    pub(crate) pace: Pace,
    /// Set when the server has lost its data since this process met it.
    pub(crate) data_gone: OnceLock<()>,
    /// Cancelled when the server shuts down: whoever waits answers at once.
    pub(crate) closing: CancellationToken,
    pub(crate) max_body: u64,
    pub(crate) max_wait_ms: u64,
    pub(crate) load: Arc<Load>,
    pub(crate) metrics: Metrics,
    pub(crate) rules: Rules,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) access_log: bool,
}

impl App {
    pub(crate) fn new(settings: ApiSettings, queue: Queue, listens_on: IpAddr) -> Arc<Self> {
        Arc::new(Self {
            catalogue: Catalogue::new(queue.clone(), settings.tasks.iter().map(TaskCard::from)),
            metrics: Metrics::new(&queue),
            queue,
            events: Events::default(),
            known: Known::new(settings.insecure || listens_on.is_loopback()),
            streams: Streams::new(files::limit()),
            pace: Pace::default(),
            data_gone: OnceLock::new(),
            closing: CancellationToken::new(),
            max_body: settings.max_body,
            max_wait_ms: settings.max_wait_ms,
            load: Load::new(settings.listener.max_requests),
            rules: Rules {
                on_loopback: listens_on.is_loopback(),
                hosts: settings.listener.hosts,
                cors_origins: settings.listener.cors_origins,
            },
            trusted_proxies: settings.listener.trusted_proxies,
            access_log: settings.listener.access_log,
        })
    }
}

impl App {
    /// That the data is what this process has known.
    ///
    /// # Errors
    /// It has gone: jobs that were acknowledged, and the keys that tell a repeated request. To go on is for people to say.
    pub(crate) fn check_data(&self) -> Result<(), Problem> {
        match self.data_gone.get() {
            None => Ok(()),
            Some(()) => Err(Problem::new(
                Code::RedisUnavailable,
                "Redis has lost all its data since this server met it, so no job is taken until its operator has looked: \
                 restarting this server goes on with what is there.",
            )
            .retry_after(30)),
        }
    }
}

/// All routes. A path that none of them has may be a task's own `route`.
pub(crate) fn router(app: Arc<App>) -> Router {
    let routes = operations::all().iter().fold(Router::new(), |router, operation| {
        #[expect(clippy::disallowed_methods, reason = "the one place that makes routes, of the table")]
        router.route(operation.path, operation.handler())
    });
    let routes = pages::all().into_iter().fold(routes, |router, (path, page)| {
        #[expect(clippy::disallowed_methods, reason = "and of that of the pages, which are for people")]
        router.route(path, page)
    });
    routes.method_not_allowed_fallback(submit::wrong_method).fallback(submit::by_route).with_state(app)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request};
    use std::{collections::BTreeSet, net::Ipv4Addr};
    use tower::ServiceExt as _;

    fn real() -> Router {
        let redis = crate::testing::no_redis();
        let listener = dayfly_common::config::ListenerConfig::default();
        let settings =
            ApiSettings { max_body: 1, max_wait_ms: 1, insecure: false, tasks: Vec::new(), listener, tls: None };
        router(App::new(settings, Queue::new(&redis).unwrap(), Ipv4Addr::LOCALHOST.into()))
    }

    /// The paths a router has, as its `Debug` shows them: it tells them in no other way.
    fn paths(router: &Router) -> BTreeSet<String> {
        let shown = format!("{router:?}");
        let quoted = shown.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/'));
        quoted.filter(|path| !path.contains("axum_fallback") && *path != "/").map(str::to_owned).collect()
    }

    /// The methods a path has, as the router itself tells them to one that it does not know.
    async fn methods(router: Router, path: &str) -> BTreeSet<String> {
        let request = Request::builder().method("BREW").uri(path).body(Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let allowed = answer.headers()["allow"].to_str().unwrap().to_owned();
        allowed.split(',').map(str::to_owned).filter(|method| method != "HEAD").collect()
    }

    /// Where the router and what describes it differ.
    async fn differences(router: Router) -> Vec<String> {
        let described = crate::openapi::base()["paths"].as_object().unwrap();
        let pages: BTreeSet<&str> = pages::all().into_iter().map(|(path, _)| path).collect();
        let paths: BTreeSet<String> =
            paths(&router).into_iter().filter(|path| !pages.contains(path.as_str())).collect();
        let all = paths.iter().chain(described.keys()).collect::<BTreeSet<_>>();
        let mut found = Vec::new();
        for path in all {
            let told = described.get(path).and_then(|item| item.as_object()).into_iter().flatten();
            let told: BTreeSet<String> = told.map(|(verb, _)| verb.to_ascii_uppercase()).collect();
            let served = if paths.contains(path) { methods(router.clone(), path).await } else { BTreeSet::new() };
            if told != served {
                found.push(format!("{path}: the router has {served:?}, the document {told:?}"));
            }
        }
        found
    }

    #[test]
    fn every_page_is_open_or_has_a_scope() {
        for (path, _) in pages::all() {
            let row = crate::auth::ROUTES.iter().any(|(method, pattern, _)| *method == "GET" && *pattern == path);
            assert!(
                row != crate::auth::is_open(path),
                "say for {path} in scopes.rs which scope it needs, or that it needs none"
            );
        }
    }

    #[tokio::test]
    async fn router_and_document_have_the_same_routes() {
        let differences = differences(real()).await;
        assert!(differences.is_empty(), "{differences:#?}");
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a route past the table, which must be found")]
    async fn a_route_past_the_table_is_found() {
        use axum::routing::{get, post};
        let other_path = real().route("/v1/hidden/{id}", get(|| async {}));
        assert_eq!(differences(other_path).await.len(), 1);
        let other_method = real().route("/v1/jobs/{id}", post(|| async {}));
        assert_eq!(differences(other_method).await.len(), 1);
    }
}
