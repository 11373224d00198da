//! `dayfly api`: the HTTP daemon.

use crate::{
    args::ApiArgs,
    descriptors,
    failure::Failure,
    settings::{self, Flags},
    signals::{self, Signals},
};
use dayfly_api::{ApiSettings, ServeError, Tls, serve};
use dayfly_common::{config::Config, queue::Queue};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, signal::unix::Signal};
use tracing::info;

/// How long Redis may take to say whether there are tokens, before a listener that depends on it is refused.
const REDIS_MAY_START: Duration = Duration::from_secs(3);

pub(crate) fn run(args: &ApiArgs) -> Result<(), Failure> {
    let flags = Flags::default()
        .with("--listen", ("api", "listen"), args.listen.as_deref())
        .with("--redis-url", ("redis", "url"), args.redis_url.as_deref())
        .with("--insecure", ("api", "insecure"), args.insecure.then_some("true"));
    let config = settings::read(settings::file(args.config.as_deref()), flags, false)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::runtime(format_args!("no runtime: {why}")))?;
    runtime.block_on(serve_until_told(config))
}

/// An API that asks nobody for a token may listen on loopback only: whoever reaches it may run any task.
pub(crate) async fn check_address(config: &Config, queue: &Queue) -> Result<(), Failure> {
    let address = config.api.listen;
    if config.api.insecure || address.ip().is_loopback() {
        return Ok(());
    }
    let refuse = |why: &str, mend: &str| {
        Err(Failure::usage(format_args!(
            "refusing to listen on {address}: it is not loopback, and {why}. {mend}, or listen on 127.0.0.1, or say --insecure \
             (or `insecure = true` in [api]) if the network is yours alone"
        )))
    };
    let until = Instant::now() + REDIS_MAY_START;
    loop {
        match queue.any_token().await {
            Ok(true) => return Ok(()),
            Ok(false) => {
                let why = "no token was ever made, so anyone who reaches it could run tasks";
                return refuse(why, "Make a token first (dayfly tokens create --owner NAME)");
            }
            Err(error) if Instant::now() >= until => {
                return refuse(&format!("whether there are tokens cannot be known: {error}"), "Start Redis first");
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn serve_until_told(config: Config) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let mut listening = config.api.listener.clone();
    let tls =
        listening.tls.take().map(Tls::load).transpose().map_err(|why| Failure::usage(format_args!("TLS: {why}")))?;
    if let Some(tls) = &tls {
        tokio::spawn(reload_on(signals::hangups()?, Arc::clone(tls)));
    }
    listening.max_connections = descriptors::held_of(listening.max_connections);
    let queue = Queue::new(&config.redis).map_err(Failure::runtime)?;
    check_address(&config, &queue).await?;
    let address = config.api.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|why| Failure::runtime(format_args!("cannot listen on {address}: {why}")))?;
    let shown = listener.local_addr().unwrap_or(address);
    let scheme = if tls.is_some() { "https" } else { "http" };
    info!(address = %shown, "listening on {scheme}://{shown}");
    let settings = ApiSettings {
        max_body: config.api.max_body,
        max_wait_ms: config.api.max_wait_ms,
        insecure: config.api.insecure,
        tasks: config.tasks.into_values().collect(),
        listener: listening,
        tls,
    };
    let told = async move {
        signals.next().await;
        info!("draining: requests under way are finished");
    };
    serve(settings, queue, listener, told).await.map_err(|why| match why {
        ServeError::Unfit(why) => Failure::usage(why),
        ServeError::Listener(why) => Failure::runtime(format_args!("serving on {shown} failed: {why}")),
    })?;
    info!("drained");
    Ok(())
}

/// SIGHUP: the certificate is read anew. (Without TLS the signal keeps its usual meaning, the end.)
async fn reload_on(mut hangups: Signal, tls: Arc<Tls>) {
    while hangups.recv().await.is_some() {
        tls.reload();
    }
}
