//! The client commands: they ask an API over HTTP.
//!
//! ```text
//!   ClientCommand -> submit, show, result ..   one command or a few of a kind
//!                      -> resolve              the beginning of an id -> the id
//!                      -> attend, follow       waiting for a job, over restarts of the API
//!                      -> http -> profile      requests, and whom they go to
//!                      -> live, term           what people see
//! ```
//!
//! Data goes to standard output, everything else to standard error; `--json` prints what the API sent. How each command
//! ends: [`Exit`].

mod act;
mod attend;
mod exit;
mod filter;
mod fleet;
mod follow;
mod http;
mod job;
mod list;
mod live;
mod many;
mod options;
mod own;
mod problem;
mod profile;
mod resolve;
mod result;
mod show;
mod sse;
mod submit;
mod term;

pub(crate) use exit::Exit;

use crate::failure::Failure;
use act::Action;
use clap::{Args as ArgsOf, Subcommand};
use http::Api;
use profile::Connection;
use std::time::Duration;

/// What every client command takes.
#[derive(Debug, ArgsOf)]
pub(crate) struct Common {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Commands over HTTP.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Submits a job, shows its log and progress, prints its result.
    Run(Box<submit::RunArgs>),
    /// Submits a job, prints its id.
    Submit(Box<submit::SubmitArgs>),
    /// Shows a job.
    Get(show::GetArgs),
    /// Prints a job's result.
    Result(result::ResultArgs),
    /// Prints a job's log.
    Logs(show::LogsArgs),
    /// Waits for jobs to end.
    Wait(show::WaitArgs),
    /// Lists jobs.
    Ls(list::LsArgs),
    /// Cancels jobs, by ids or by a filter.
    Cancel(Box<act::CancelArgs>),
    /// Runs ended jobs once more, as new ones, by ids or by a filter.
    Retry(Box<act::Which>),
    /// Forgets ended jobs, by ids or by a filter.
    Rm(Box<act::Which>),
    /// Lists workers, or drains some.
    Workers(fleet::WorkersArgs),
    /// Lists tasks, or pauses and resumes some.
    Tasks(fleet::TasksArgs),
    /// Checks the configuration.
    Config(own::ConfigArgs),
    /// Prints what completes commands in a shell.
    Completions(own::CompletionsArgs),
    /// Prints manual pages.
    Man(own::ManArgs),
}

pub(crate) fn run(command: &ClientCommand) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::runtime(format_args!("no runtime: {why}")))?;
    runtime.block_on(perform(command))
}

async fn perform(command: &ClientCommand) -> Result<(), Failure> {
    let api = |common: &Common| Api::new(&common.connection);
    match command {
        ClientCommand::Run(args) => submit::run(&api(&args.submit.common)?, args).await,
        ClientCommand::Submit(args) => submit::submit(&api(&args.common)?, args).await,
        ClientCommand::Get(args) => show::get(&api(&args.common)?, args).await,
        ClientCommand::Result(args) => result::result(&api(&args.common)?, args).await,
        ClientCommand::Logs(args) => show::logs(&api(&args.common)?, args).await,
        ClientCommand::Wait(args) => show::wait(&api(&args.common)?, args).await,
        ClientCommand::Ls(args) => list::ls(&api(&args.common)?, args).await,
        ClientCommand::Cancel(args) => act::act(&api(&args.which.common)?, &args.which, &Action::of(args)).await,
        ClientCommand::Retry(which) => act::act(&api(&which.common)?, which, &Action::Retry).await,
        ClientCommand::Rm(which) => act::act(&api(&which.common)?, which, &Action::Delete).await,
        ClientCommand::Workers(args) => fleet::workers(&api(args.common())?, args).await,
        ClientCommand::Tasks(args) => fleet::tasks(&api(args.common())?, args).await,
        ClientCommand::Config(args) => own::config(args),
        ClientCommand::Completions(args) => own::completions(args),
        ClientCommand::Man(args) => own::man(args),
    }
}

/// A duration of a flag.
fn duration(text: &str) -> Result<Duration, String> {
    dayfly_common::model::parse_duration(text).map(Duration::from_millis).map_err(|why| why.to_string())
}
