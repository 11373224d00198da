//! `dayfly doctor`: looks at the server, this host and the tasks of the configuration, runs a trial, and says of everything what it
//! means and how to mend it. Exit 1 when anything fails.
//!
//! ```text
//!   server     Redis: version, persistence, eviction, memory, latency, clock, failover, rights, library
//!   host       isolation, control groups, descriptors, state folder, memory
//!   programs   of each task
//!   trial      three jobs, on keys of their own
//!     -> finding   ok, warn, fail; told for people or as JSON
//! ```

mod finding;
mod host;
mod programs;
mod server;
mod trial;

use crate::{
    args::DoctorArgs,
    client::Exit,
    failure::Failure,
    launch::launch,
    settings::{self, Flags},
    signals::Signals,
};
use dayfly_common::{
    config::Config,
    queue::{Queue, RedisSettings, TrialPrefix},
};
use dayfly_worker::process::Supervisor;
use finding::{Finding, Report};
use std::{
    io::{self, Write as _},
    time::Duration,
};
use trial::Trial;

/// Keys of a trial are few; a server that does not answer must not hold up the end.
const WIPING: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let flags = Flags::default().with("--redis-url", ("redis", "url"), args.redis_url.as_deref());
    let config = settings::read_with_python(settings::file(args.config.as_deref()), flags, args.python.as_deref())?;
    let (supervisor, runtime) = launch(&config)?;
    runtime.block_on(examine(args, &config, supervisor))
}

async fn examine(args: &DoctorArgs, config: &Config, supervisor: Supervisor) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let queue = Queue::new(&config.redis).map_err(Failure::runtime)?;
    let prefix = TrialPrefix::below(&config.redis.prefix);
    let private = RedisSettings { prefix: prefix.as_str().to_owned(), ..config.redis.clone() };
    let private = Queue::new(&private).map_err(Failure::runtime)?;
    let mut report = Report::default();
    let mut trial = None;
    let finished = tokio::select! {
        () = all(args, config, supervisor, (&queue, &private), &mut trial, &mut report) => true,
        () = signals.next() => false,
    };
    if let Some(trial) = trial {
        trial.end().await;
    }
    match tokio::time::timeout(WIPING, private.wipe(&prefix)).await {
        Ok(Ok(())) => {}
        // What cannot be reached has taken no keys, or is told above.
        Ok(Err(_)) | Err(_) if report.has_failed() => {}
        Ok(Err(_)) | Err(_) => report.add(Finding::warn(
            "trial.cleanup",
            format!("keys that begin with {} may be left", prefix.as_str()),
            "They disturb nothing.",
            "Remove them by redis-cli --scan --pattern and DEL.",
        )),
    }
    if !finished {
        return Err(Exit::Interrupted.silent());
    }
    let text = if args.json { report.json().map_err(Failure::runtime)? } else { report.to_string() };
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|why| Failure::runtime(format_args!("standard output: {why}")))?;
    if report.has_failed() { Err(Exit::Error.silent()) } else { Ok(()) }
}

/// `queues`: the installation's, and one of a private prefix.
async fn all(
    args: &DoctorArgs,
    config: &Config,
    supervisor: Supervisor,
    (queue, private): (&Queue, &Queue),
    trial: &mut Option<Trial>,
    report: &mut Report,
) {
    let usable = server::examine(config, queue, private, report).await;
    host::examine(config, &supervisor, report).await;
    if config.tasks.is_empty() {
        let means = "A worker with this configuration has nothing to run; an API needs no tasks.";
        let fix = "On a worker's host name its file by --config FILE.";
        report.add(Finding::warn("task", "no [tasks.NAME] section", means, fix));
    }
    programs::examine(config.tasks.values(), report).await;
    if args.no_trial || !usable {
        return;
    }
    match Trial::begin(&config.worker, private.clone(), supervisor) {
        Ok(begun) => trial.insert(begun).course(report).await,
        Err(why) => report.add(Finding::fail("trial", why, "Jobs cannot be run either.", "Mend what it says.")),
    }
}
