//! `dayfly result`: what the job printed, byte by byte.

use super::{
    Common, Exit,
    attend::{attend, ended},
    http::{Api, Ask},
    job::{self, Job},
    resolve::resolve,
    submit::not_yet,
    term,
};
use crate::failure::Failure;
use clap::Args as ArgsOf;
use std::{
    fs,
    io::{IsTerminal as _, stdout},
    path::{Path, PathBuf},
    time::Duration,
};

#[derive(Debug, ArgsOf)]
pub(crate) struct ResultArgs {
    /// The job's id, or its beginning.
    #[arg(value_name = "ID")]
    id: String,
    /// Waits for the job's end, no longer than this [exit code 124].
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    wait: Option<Duration>,
    /// Writes it to this file.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) async fn result(api: &Api, args: &ResultArgs) -> Result<(), Failure> {
    let id = resolve(api, &args.id).await?;
    let (job, body) = match args.wait {
        Some(bound) => attend(&id, Some(bound), ended(api, &id)).await?,
        None => {
            let answer = api.ask(Ask::get(format!("/v1/jobs/{id}"))).await?;
            (job::read::<Job>(&answer)?, answer.body)
        }
    };
    if !job.has_ended() {
        return Err(not_yet(&job));
    }
    if args.common.json {
        term::json(&body)?;
        return job.outcome(true);
    }
    job.outcome(true)?;
    show(api, &job, args.output.as_deref()).await
}

/// Writes the result of a job that succeeded.
pub(super) async fn show(api: &Api, job: &Job, file: Option<&Path>) -> Result<(), Failure> {
    let answer = api.ask(Ask::get(format!("/v1/jobs/{}/result", job.id))).await?;
    if let Some(file) = file {
        let wrong = |why| Exit::Error.because(format_args!("{}: {why}", file.display()));
        return fs::write(file, &answer.body).map_err(wrong);
    }
    if !stdout().is_terminal() {
        return term::write(&answer.body);
    }
    // On a terminal: nothing that steers it, and the prompt on a line of its own.
    let Ok(text) = std::str::from_utf8(&answer.body) else {
        let size = answer.body.len();
        let message = format!(
            "the result is {size} bytes that are no text: write them to a file with `dayfly result {} -o FILE`",
            job.id
        );
        return Err(Exit::Error.because(message));
    };
    let lines: Vec<String> = text.lines().map(|line| term::clean(line).into_owned()).collect();
    term::print_all(&lines)
}
