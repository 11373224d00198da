//! `dayfly api`: the HTTP daemon.

use crate::{
    args::ApiArgs,
    descriptors,
    failure::Failure,
    settings::{self, Flags},
    signals::{self, Signals},
};
use dayfly_api::{ApiSettings, ServeError, Tls, may_listen, serve};
use dayfly_common::{config::Config, queue::Queue};
use std::{net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, signal::unix::Signal};
use tracing::info;

pub(crate) fn run(args: &ApiArgs) -> Result<(), Failure> {
    let flags = Flags::default()
        .with("--listen", ("api", "listen"), args.listen.as_deref())
        .with("--redis-url", ("redis", "url"), args.redis_url.as_deref())
        .with("--insecure", ("api", "insecure"), args.insecure.then_some("true"));
    let config = settings::read(settings::file(args.config.as_deref()), flags, false)?;
    check_address(config.api.listen, config.api.insecure)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::runtime(format_args!("no runtime: {why}")))?;
    runtime.block_on(serve_until_told(config))
}

/// Without tokens, whoever reaches the address may run any task.
pub(crate) fn check_address(address: SocketAddr, insecure: bool) -> Result<(), Failure> {
    if may_listen(address, insecure) {
        return Ok(());
    }
    Err(Failure::usage(format_args!(
        "refusing to listen on {address}: it is not loopback, and this API asks nobody for a token, so anyone who reaches \
         it could run tasks. Listen on 127.0.0.1 behind a proxy that checks who asks, or say --insecure (or `insecure = \
         true` in [api]) if the network is yours alone"
    )))
}

async fn serve_until_told(config: Config) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let mut listening = config.api.listener;
    let tls =
        listening.tls.take().map(Tls::load).transpose().map_err(|why| Failure::usage(format_args!("TLS: {why}")))?;
    if let Some(tls) = &tls {
        tokio::spawn(reload_on(signals::hangups()?, Arc::clone(tls)));
    }
    listening.max_connections = descriptors::allow(listening.max_connections);
    let queue = Queue::new(&config.redis).map_err(Failure::runtime)?;
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
