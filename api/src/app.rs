//! What all handlers share, and which path is whose.

use crate::{
    ApiSettings,
    auth::Known,
    catalogue::Catalogue,
    error::{Code, Problem},
    events::Events,
    files,
    load::Load,
    origin::Rules,
    pace::Pace,
    routes::{
        actions, bulk, cancel, change, delete, drain, events, fleet_events, forget, health, jobs, logs, put, result,
        retry, submit, tasks, workers,
    },
    streams::Streams,
};
use axum::{
    Router,
    routing::{get, post},
};
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
    pub(crate) rules: Rules,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) access_log: bool,
}

impl App {
    pub(crate) fn new(settings: ApiSettings, queue: Queue, listens_on: IpAddr) -> Arc<Self> {
        Arc::new(Self {
            catalogue: Catalogue::new(queue.clone(), settings.tasks.iter().map(TaskCard::from)),
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
    Router::new()
        .route("/v1/tasks", get(tasks::list))
        .route("/v1/tasks/{task}", get(tasks::one).post(submit::by_name).delete(forget::forget))
        .route("/v1/tasks/{task}/pause", post(tasks::pause))
        .route("/v1/tasks/{task}/resume", post(tasks::resume))
        .route("/v1/jobs", get(jobs::list).post(bulk::submit))
        .route("/v1/jobs/actions", post(actions::act))
        .route("/v1/jobs/{id}", get(jobs::one).put(put::own_id).patch(change::change).delete(delete::delete))
        .route("/v1/jobs/{id}/result", get(result::raw))
        .route("/v1/jobs/{id}/logs", get(logs::text))
        .route("/v1/jobs/{id}/events", get(events::follow))
        .route("/v1/jobs/{id}/cancel", post(cancel::cancel))
        .route("/v1/events", get(fleet_events::follow))
        .route("/v1/jobs/{id}/retry", post(retry::retry))
        .route("/v1/workers", get(workers::list))
        .route("/v1/workers/{id}/drain", post(drain::drain))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .method_not_allowed_fallback(submit::wrong_method)
        .fallback(submit::by_route)
        .with_state(app)
}
