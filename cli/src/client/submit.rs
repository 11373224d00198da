//! `dayfly submit` and `dayfly run`.

use super::{
    Common, Exit,
    attend::{attend, ended},
    follow::follow,
    http::{Api, Ask},
    job::{self, Job},
    live::Live,
    options::{Input, JobOptions, piece},
    result, term,
};
use crate::failure::Failure;
use clap::Args as ArgsOf;
use hyper::body::Bytes;
use std::{
    io::{IsTerminal as _, stderr},
    time::Duration,
};
use uuid::Uuid;

/// A job to make.
#[derive(Debug, ArgsOf)]
pub(crate) struct SubmitArgs {
    /// The task.
    #[arg(value_name = "TASK")]
    task: String,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    options: JobOptions,
    /// Makes sending again safe: the same key gives the same job [default: a new one each time].
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// A job to make and wait for.
#[derive(Debug, ArgsOf)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(super) submit: SubmitArgs,
    /// Waits no longer than this; the job goes on, and the exit code is 124.
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    wait: Option<Duration>,
    /// Shows no log and no progress, on a terminal either.
    #[arg(long, short)]
    quiet: bool,
}

/// Prints the new job's id.
pub(super) async fn submit(api: &Api, args: &SubmitArgs) -> Result<(), Failure> {
    let (job, body) = send(api, args).await?;
    warn(&job);
    if args.common.json { term::json(&body) } else { term::print(&job.id) }
}

/// Waits for the new job and prints its result.
pub(super) async fn run(api: &Api, args: &RunArgs) -> Result<(), Failure> {
    let (job, _) = send(api, &args.submit).await?;
    warn(&job);
    let shows = stderr().is_terminal() && !args.quiet;
    let id = job.id.clone();
    let done = async {
        if shows {
            let live = Live::new(&job);
            follow(api, &id, |told| live.hear(&told)).await?;
        }
        ended(api, &id).await
    };
    let (job, body) = attend(&id, args.wait, done).await?;
    if args.submit.common.json {
        term::json(&body)?;
        return job.outcome(!shows);
    }
    job.outcome(!shows)?;
    result::show(api, &job, None).await
}

async fn send(api: &Api, args: &SubmitArgs) -> Result<(Job, Bytes), Failure> {
    let key = args.idempotency_key.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
    let path = format!("/v1/tasks/{}{}", piece(&args.task), args.options.query());
    let mut ask = Ask::post(path).header("idempotency-key", key).repeatable();
    if let Some(body) = args.input.body()? {
        ask = ask.body(body.content_type, body.bytes);
    }
    let answer = api.ask(ask).await?;
    Ok((job::read(&answer)?, answer.body))
}

fn warn(job: &Job) {
    for warning in &job.warnings {
        eprintln!("dayfly: {}", term::clean(warning));
    }
}

/// What kind of end a job that has none yet is, for commands that need one.
pub(super) fn not_yet(job: &Job) -> Failure {
    Exit::Error
        .because(format_args!("job {} has not ended: it is {}; `dayfly wait {}` waits", job.id, job.state, job.id))
}
