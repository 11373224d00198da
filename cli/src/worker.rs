//! `dayfly worker`: the worker daemon.

use crate::{
    args::WorkerArgs,
    failure::Failure,
    launch::launch,
    settings::{self, Flags},
    signals::Signals,
};
use dayfly_common::{config::Config, model::TaskDef, queue::Queue};
use dayfly_worker::{Shutdown, WorkerError, process::Supervisor};
use std::collections::BTreeMap;
use tracing::info;

pub(crate) fn run(args: &WorkerArgs) -> Result<(), Failure> {
    let flags = Flags::default()
        .with("--slots", ("worker", "slots"), args.slots.as_deref())
        .with("--redis-url", ("redis", "url"), args.redis_url.as_deref())
        .with("--name", ("worker", "name"), args.name.as_deref());
    let mut config = settings::read_with_python(settings::file(args.config.as_deref()), flags, args.python.as_deref())?;
    let tasks = chosen(std::mem::take(&mut config.tasks), &args.tasks)?;
    let (supervisor, runtime) = launch(&config)?;
    runtime.block_on(work_until_told(config, tasks, supervisor))
}

/// All tasks of the configuration, or those of `--tasks`.
fn chosen(mut all: BTreeMap<String, TaskDef>, names: &[String]) -> Result<Vec<TaskDef>, Failure> {
    if all.is_empty() {
        return Err(Failure::usage(
            "no task to run: give a configuration with a [tasks.NAME] section by --config FILE, or a module with @dayfly.task functions by --python MODULE",
        ));
    }
    if names.is_empty() {
        return Ok(all.into_values().collect());
    }
    let known = all.keys().cloned().collect::<Vec<_>>().join(", ");
    let mut tasks = Vec::new();
    for name in names {
        match all.remove(name) {
            Some(task) => tasks.push(task),
            None if tasks.iter().any(|task: &TaskDef| task.name.as_str() == name) => {}
            None => {
                return Err(Failure::usage(format_args!("--tasks: no task `{name}` in the configuration: {known}")));
            }
        }
    }
    Ok(tasks)
}

async fn work_until_told(config: Config, tasks: Vec<TaskDef>, supervisor: Supervisor) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let queue = Queue::new(&config.redis).map_err(Failure::runtime)?;
    let shutdown = Shutdown::default();
    let told = shutdown.clone();
    let listening = tokio::spawn(async move {
        signals.next().await;
        info!("told to stop: no new jobs; a second signal ends the running ones at once");
        told.drain.cancel();
        signals.next().await;
        info!("told again: running jobs are ended and go back to their queues");
        told.now.cancel();
    });
    let worked = dayfly_worker::run(config.worker, tasks, queue, supervisor, shutdown).await;
    listening.abort();
    worked.map_err(|why| match why {
        WorkerError::NothingFits(_) | WorkerError::NotDurable(_) => Failure::usage(why),
        WorkerError::StateDir(..) | WorkerError::Process(_) | WorkerError::Identity(..) | WorkerError::Metrics(..) => {
            Failure::runtime(format_args!("the worker failed: {why}"))
        }
    })
}
