//! `dayfly api`: the HTTP daemon.

use crate::{
    args::ApiArgs,
    failure::Failure,
    settings::{self, Flags},
    signals::Signals,
};
use dayfly_api::{ApiSettings, ServeError, may_listen, serve};
use dayfly_common::{config::Config, queue::Queue};
use std::net::SocketAddr;
use tokio::net::TcpListener;
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
    let queue = Queue::new(&config.redis).map_err(Failure::runtime)?;
    let address = config.api.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|why| Failure::runtime(format_args!("cannot listen on {address}: {why}")))?;
    let shown = listener.local_addr().unwrap_or(address);
    info!(address = %shown, "listening on http://{shown}");
    let settings = ApiSettings {
        max_body: config.api.max_body,
        max_wait_ms: config.api.max_wait_ms,
        tasks: config.tasks.into_values().collect(),
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
