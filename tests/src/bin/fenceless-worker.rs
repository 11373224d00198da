//! A worker with one part taken out, to see that the chaos run notices: it does not end its jobs by its own clock before their
//! leases run out. `fenceless-worker worker --config FILE --name NAME --slots N`, as `dayfly worker`; it is no part of `dayfly`.

use dayfly_common::{
    config::{Flag, Inputs, load},
    queue::Queue,
};
use dayfly_worker::{
    Shutdown,
    mutant::run_without_self_fence,
    process::{Supervisor, supervisor_main},
};
use std::{env, error::Error, path::Path};
use tracing_subscriber::EnvFilter;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["supervisor", ..] => supervisor_main(),
        ["worker", "--config", file, "--name", name, "--slots", slots] => work(file, name, slots),
        _ => Err(format!("not understood: {words:?}").into()),
    }
}

fn work(file: &str, name: &str, slots: &str) -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_env_filter(EnvFilter::from_env("DAYFLY_LOG")).with_writer(std::io::stderr).init();
    let flag = |name, setting, value: &str| Flag { name, setting, value: value.to_owned() };
    let flags = vec![flag("--name", ("worker", "name"), name), flag("--slots", ("worker", "slots"), slots)];
    let config = load(&Inputs {
        file: Some(file.into()),
        variables: Vec::new(),
        flags,
        decorated: Vec::new(),
        runs_tasks: true,
    })
    .map_err(|faults| faults.to_string())?;
    let supervisor = Supervisor::launch_with(Path::new("/proc/self/exe"), config.worker.isolation.into())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let queue = Queue::new(&config.redis)?;
    let tasks = config.tasks.into_values().collect();
    Ok(runtime.block_on(run_without_self_fence(config.worker, tasks, queue, supervisor, Shutdown::default()))?)
}
