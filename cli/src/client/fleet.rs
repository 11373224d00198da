//! `dayfly workers` and `dayfly tasks`.

use super::{
    Common,
    http::{Answer, Api, Ask},
    job,
    options::piece,
    term::{self, Look, clean},
};
use crate::failure::Failure;
use clap::{Args as ArgsOf, Subcommand};
use serde::Deserialize;

#[derive(Debug, ArgsOf)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct WorkersArgs {
    #[command(subcommand)]
    verb: Option<WorkersVerb>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum WorkersVerb {
    /// Lets workers take no further job, end what they run, and leave.
    Drain(Named),
}

#[derive(Debug, ArgsOf)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct TasksArgs {
    #[command(subcommand)]
    verb: Option<TasksVerb>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum TasksVerb {
    /// Lets no job of these tasks start until they are resumed.
    Pause(Named),
    /// Lets jobs of these tasks start again.
    Resume(Named),
}

#[derive(Debug, ArgsOf)]
struct Named {
    /// Their names or ids, as the list shows them.
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Deserialize)]
struct List<T> {
    items: Vec<T>,
}

#[derive(Debug, Deserialize)]
struct Worker {
    id: String,
    host: String,
    pid: u32,
    version: String,
    slots: u32,
    busy: u32,
    tasks: Vec<String>,
    draining: bool,
    isolation: String,
    seen_at: String,
}

#[derive(Debug, Deserialize)]
struct Task {
    name: String,
    queued: u64,
    scheduled: u64,
    running: u64,
    paused: bool,
    oldest_at: Option<String>,
    live_workers: u64,
    #[serde(default)]
    warnings: Vec<String>,
}

impl WorkersArgs {
    pub(super) fn common(&self) -> &Common {
        match &self.verb {
            Some(WorkersVerb::Drain(named)) => &named.common,
            None => &self.common,
        }
    }
}

impl TasksArgs {
    pub(super) fn common(&self) -> &Common {
        match &self.verb {
            Some(TasksVerb::Pause(named) | TasksVerb::Resume(named)) => &named.common,
            None => &self.common,
        }
    }
}

pub(super) async fn workers(api: &Api, args: &WorkersArgs) -> Result<(), Failure> {
    if let Some(WorkersVerb::Drain(named)) = &args.verb {
        return each(api, named, "/v1/workers", "drain", "is draining").await;
    }
    let answer = api.ask(Ask::get("/v1/workers")).await?;
    if args.common.json {
        return term::json(&answer.body);
    }
    let workers = items::<Worker>(&answer)?;
    if workers.is_empty() {
        eprintln!("dayfly: there is no live worker; `dayfly worker` starts one");
        return Ok(());
    }
    let look = Look::of_stdout();
    let row = |worker: &Worker| {
        [
            clean(&worker.id).into_owned(),
            look.state(if worker.draining { "draining" } else { "live" }),
            format!("{}/{}", worker.busy, worker.slots),
            format!("{}:{}", clean(&worker.host), worker.pid),
            clean(&worker.version).into_owned(),
            clean(&worker.isolation).into_owned(),
            worker.seen_at.clone(),
            clean(&worker.tasks.join(" ")).into_owned(),
        ]
    };
    let rows: Vec<_> = workers.iter().map(row).collect();
    let head = ["ID", "STATE", "BUSY", "HOST:PID", "VERSION", "ISOLATION", "SEEN", "TASKS"];
    term::print_all(&look.table(head, &rows))
}

pub(super) async fn tasks(api: &Api, args: &TasksArgs) -> Result<(), Failure> {
    match &args.verb {
        Some(TasksVerb::Pause(named)) => return each(api, named, "/v1/tasks", "pause", "is paused").await,
        Some(TasksVerb::Resume(named)) => return each(api, named, "/v1/tasks", "resume", "is resumed").await,
        None => {}
    }
    let answer = api.ask(Ask::get("/v1/tasks")).await?;
    if args.common.json {
        return term::json(&answer.body);
    }
    let tasks = items::<Task>(&answer)?;
    if tasks.is_empty() {
        eprintln!("dayfly: there is no task; [tasks.NAME] of a worker's dayfly.toml makes one");
        return Ok(());
    }
    let look = Look::of_stdout();
    let row = |task: &Task| {
        [
            clean(&task.name).into_owned(),
            look.state(if task.paused { "paused" } else { "live" }),
            task.queued.to_string(),
            task.scheduled.to_string(),
            task.running.to_string(),
            task.live_workers.to_string(),
            task.oldest_at.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    };
    let rows: Vec<_> = tasks.iter().map(row).collect();
    let head = ["TASK", "STATE", "QUEUED", "SCHEDULED", "RUNNING", "WORKERS", "OLDEST"];
    term::print_all(&look.table(head, &rows))?;
    for task in &tasks {
        for warning in &task.warnings {
            eprintln!("dayfly: {}: {}", clean(&task.name), clean(warning));
        }
    }
    Ok(())
}

fn items<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<Vec<T>, Failure> {
    Ok(job::read::<List<T>>(answer)?.items)
}

/// Asks it of one after the other, up to the first that cannot be done.
async fn each(api: &Api, named: &Named, list: &str, verb: &str, done: &str) -> Result<(), Failure> {
    for name in &named.names {
        let answer = api.ask(Ask::post(format!("{list}/{}/{verb}", piece(name))).repeatable()).await?;
        if named.common.json {
            term::json(&answer.body)?;
        } else {
            term::print(&format!("{name} {done}"))?;
        }
    }
    Ok(())
}
