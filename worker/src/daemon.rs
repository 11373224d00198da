//! A worker's life: start, work, drain.
//!
//! Shutdown, in this order: stop claiming; wait for running jobs, at most the drain timeout; end them with their grace
//! (a second signal: without) and give them back; take the presence away. Heartbeats go on until the last end is written, since
//! they keep the leases of what still runs.

use crate::{
    cancels, claim_loop,
    context::Context,
    heartbeat, identity, memory, metrics,
    mutant::SelfFence,
    process::{self, Supervisor, Swept, Tier, TierFound},
    recover,
    seat::Pause,
    workdir::Home,
};
use dayfly_common::{
    config::WorkerConfig,
    model::{Nonce, TaskDef, format_size},
    queue::{LimitHolders, Presence, Queue, QueueError},
};
use std::{io, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::{error, info, warn};

/// How a worker is told to stop.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take nothing new, wait for running jobs up to the drain timeout, then end them.
    pub drain: CancellationToken,
    /// End running jobs at once.
    pub now: CancellationToken,
}

/// Why a worker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The folder for jobs and state cannot be used.
    #[error("the state folder {0} cannot be used: {1}")]
    StateDir(String, io::Error),
    /// A slot process cannot be opened, or the supervisor has died.
    #[error("processes cannot be started: {0}")]
    Process(#[from] io::Error),
    /// A task names a user or group that does not exist here.
    #[error("[tasks.{0}]: {1}")]
    Identity(String, String),
    /// Nobody can be told its metrics there.
    #[error("cannot listen on {0} for metrics ([worker] metrics_listen): {1}")]
    Metrics(std::net::SocketAddr, io::Error),
    /// Every task declares more memory than the worker may use, bytes.
    #[error(
        "no task to run: each declares more than [worker] memory = {}; raise it, or lower the `memory` of a [tasks.NAME] section",
        format_size(*.0)
    )]
    NothingFits(u64),
    /// `require_durable` is set, and the server keeps less than that.
    #[error(transparent)]
    NotDurable(QueueError),
}

/// Runs a worker until it is drained. Tasks that are too large for its memory are left out.
///
/// # Errors
/// See [`WorkerError`]. While Redis is away a worker waits and does not end.
pub async fn run(
    config: WorkerConfig,
    tasks: Vec<TaskDef>,
    queue: Queue,
    supervisor: Supervisor,
    shutdown: Shutdown,
) -> Result<(), WorkerError> {
    run_fenced(config, tasks, queue, supervisor, shutdown, SelfFence::Kept).await
}

/// As [`run`], perhaps as a mutant.
pub(crate) async fn run_fenced(
    config: WorkerConfig,
    tasks: Vec<TaskDef>,
    queue: Queue,
    supervisor: Supervisor,
    shutdown: Shutdown,
    self_fence: SelfFence,
) -> Result<(), WorkerError> {
    let tasks = memory::that_fit(config.memory, tasks);
    if let (Some(bound), true) = (config.memory, tasks.is_empty()) {
        return Err(WorkerError::NothingFits(bound));
    }
    let worker = format!("{}-{}", config.name, &Nonce::random().as_str()[..8]);
    for task in &tasks {
        identity::of(task).map_err(|why| WorkerError::Identity(task.name.to_string(), why))?;
    }
    process::close_to_jobs()?;
    let found = find_tier(&supervisor).await?;
    end_leftovers(&config.state_dir, found.swept.clone()).await;
    let home = Home::open(&config.state_dir, &worker)
        .map_err(|error| WorkerError::StateDir(config.state_dir.display().to_string(), error))?;
    supervisor.hold(home.lock())?;
    let mut ctx = Context::new(config, worker, home, tasks, queue, supervisor, &shutdown);
    ctx.self_fence = self_fence;
    let ctx = Arc::new(ctx);
    let scraped = match ctx.config.metrics_listen {
        Some(address) => {
            let listener = TcpListener::bind(address).await.map_err(|why| WorkerError::Metrics(address, why))?;
            let shown = listener.local_addr().unwrap_or(address);
            info!(worker = %ctx.worker, address = %shown, "metrics at http://{shown}/metrics");
            Some(AbortOnDropHandle::new(tokio::spawn(metrics::serve(listener, Arc::clone(&ctx.metrics)))))
        }
        None => None,
    };
    let mut slots = Vec::new();
    for _ in 0..ctx.config.slots {
        slots.push(ctx.supervisor.open_slot().await?);
    }
    if !wait_for_server(&ctx).await? {
        return Ok(());
    }
    heartbeat::register(&ctx).await;
    let presence = presence(&ctx, &found);
    info!(
        worker = %ctx.worker,
        slots = presence.slots,
        tasks = presence.tasks.join(" "),
        isolation = presence.isolation,
        memory = presence.limits.memory,
        nproc = presence.limits.nproc,
        cpus = presence.limits.cpus,
        "working"
    );
    let beating = tokio::spawn(heartbeat::beat_for_ever(Arc::clone(&ctx), presence));
    let hearing = tokio::spawn(cancels::hear_cancels(Arc::clone(&ctx)));
    let recovering = tokio::spawn(recover::recover_for_ever(Arc::clone(&ctx)));
    let ending = tokio::spawn(end_when_drained_too_long(Arc::clone(&ctx)));
    let worked = claim_loop::claim_until_drained(Arc::clone(&ctx), slots).await;
    for helper in [beating, hearing, recovering, ending] {
        helper.abort();
    }
    if let Err(error) = ctx.queue.depart(&ctx.worker).await {
        warn!(worker = %ctx.worker, %error, "could not take leave; the presence runs out by itself");
    }
    drop(scraped);
    info!(worker = %ctx.worker, "drained");
    Ok(worked?)
}

/// The way in which this host lets job trees be held, tried out.
async fn find_tier(supervisor: &Supervisor) -> io::Result<TierFound> {
    let found = supervisor.tier().await?.clone();
    for (tier, why) in &found.refused {
        info!(%tier, why, "this isolation does not work here");
    }
    if found.tier == Tier::Tree {
        info!(
            "isolation is tree: should daemon, supervisor and slot all be killed at once, the next start ends the job"
        );
    }
    Ok(found)
}

/// Ends the processes of jobs whose worker was killed with all that would have ended them. `by_group`: what the supervisor
/// has met already.
async fn end_leftovers(state_dir: &std::path::Path, by_group: Swept) {
    let dir = state_dir.to_owned();
    match tokio::task::spawn_blocking(move || process::sweep(&dir)).await.map(|swept| by_group.and(swept)) {
        Ok(swept) if swept.left.is_empty() && swept.killed == 0 => {}
        Ok(swept) if swept.left.is_empty() => {
            warn!(killed = swept.killed, "ended processes of jobs that a killed worker left behind");
        }
        Ok(swept) => error!(left = ?swept.left, "processes of a killed worker's jobs could not be ended"),
        Err(error) => error!(%error, "the search for a killed worker's processes failed"),
    }
}

/// False when the worker was told to stop before Redis ever answered.
async fn wait_for_server(ctx: &Context) -> Result<bool, WorkerError> {
    let mut pause = Pause::new();
    loop {
        tokio::select! {
            () = ctx.drain.cancelled() => return Ok(false),
            met = ctx.queue.meet_server() => match met {
                Ok(()) => return Ok(true),
                Err(error @ QueueError::NotDurable(_)) => return Err(WorkerError::NotDurable(error)),
                Err(error) => {
                    warn!(worker = %ctx.worker, %error, "waiting for Redis");
                    pause.wait().await;
                }
            }
        }
    }
}

/// Lets running jobs end by themselves for the drain timeout, then has them ended.
async fn end_when_drained_too_long(ctx: Arc<Context>) {
    ctx.drain.cancelled().await;
    info!(worker = %ctx.worker, running = ctx.held.len(), "draining");
    tokio::time::sleep(Duration::from_millis(ctx.config.drain_timeout_ms)).await;
    ctx.end.cancel();
}

fn presence(ctx: &Context, found: &TierFound) -> Presence {
    let mut tasks: Vec<String> = ctx.tasks.keys().map(ToString::to_string).collect();
    tasks.sort();
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Presence {
        id: ctx.worker.clone(),
        name: ctx.config.name.clone(),
        host,
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        slots: ctx.config.slots,
        busy: 0,
        tasks,
        draining: false,
        isolation: found.tier.to_string(),
        limits: LimitHolders {
            memory: found.holders.memory.to_string(),
            nproc: found.holders.nproc.to_string(),
            cpus: found.holders.cpus.to_string(),
        },
        started_at: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX),
        memory: ctx.config.memory,
        memory_used: ctx.config.memory.map(|_| 0),
    }
}
