//! The command line.

use crate::{client::ClientCommand, tokens::TokensArgs};
use clap::{Args as ArgsOf, Parser, Subcommand, ValueEnum};
use std::{ffi::OsString, path::PathBuf};

/// Jobs over HTTP, each in a process that can always be ended, on any number of machines, with Redis in the middle.
#[derive(Debug, Parser)]
#[command(
    name = "dayfly",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Args {
    /// How log lines look; DAYFLY_LOG (or RUST_LOG) says which there are, for example `info,dayfly_worker=debug`.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Human, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The form of log lines, on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// The word on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything in one terminal: a private Redis-compatible server, the API, a worker, the examples.
    Dev(DevArgs),
    /// The HTTP API.
    Api(ApiArgs),
    /// A worker: runs the tasks of its configuration.
    Worker(WorkerArgs),
    /// The API's tokens, and quotas of owners. Speaks to Redis directly.
    Tokens(TokensArgs),
    /// Looks at the server, this host and the tasks, runs a trial, and says how to mend what is wrong.
    Doctor(DoctorArgs),
    #[command(flatten)]
    Client(ClientCommand),
    /// A program that dies with its parent.
    #[command(hide = true)]
    Tether(TetherArgs),
    /// A program that does nothing for a time.
    #[command(hide = true)]
    Rest(RestArgs),
}

#[derive(Debug, ArgsOf)]
pub(crate) struct DevArgs {
    /// Where the API listens [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// The folder that keeps everything from one start to the next.
    #[arg(long, value_name = "DIR", default_value = ".dayfly")]
    pub(crate) data: PathBuf,
    /// Jobs at a time [default: the number of cores].
    #[arg(long, value_name = "N")]
    pub(crate) slots: Option<String>,
    /// The configuration [default: ./dayfly.toml, else the examples].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Uses this server instead of a private one.
    #[arg(long, value_name = "URL")]
    pub(crate) redis_url: Option<String>,
    /// The program of the private server [default: valkey-server or redis-server on PATH].
    #[arg(long, value_name = "FILE", conflicts_with = "redis_url")]
    pub(crate) redis_bin: Option<PathBuf>,
    /// Runs the functions that `@dayfly.task` marks in this module, imported from the current folder: no file is needed.
    #[arg(long, value_name = "MODULE")]
    pub(crate) python: Option<String>,
    /// Lets the API listen beyond loopback without any token.
    #[arg(long)]
    pub(crate) insecure: bool,
}

#[derive(Debug, ArgsOf)]
pub(crate) struct ApiArgs {
    /// The configuration [default: ./dayfly.toml when there is one].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// The server [default: redis://127.0.0.1:6379/0].
    #[arg(long, value_name = "URL")]
    pub(crate) redis_url: Option<String>,
    /// Listens beyond loopback without any token.
    #[arg(long)]
    pub(crate) insecure: bool,
}

#[derive(Debug, ArgsOf)]
pub(crate) struct WorkerArgs {
    /// The configuration [default: ./dayfly.toml].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Jobs at a time [default: the number of cores].
    #[arg(long, value_name = "N")]
    pub(crate) slots: Option<String>,
    /// The server [default: redis://127.0.0.1:6379/0].
    #[arg(long, value_name = "URL")]
    pub(crate) redis_url: Option<String>,
    /// Runs only these tasks of the configuration.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) tasks: Vec<String>,
    /// Runs the functions that `@dayfly.task` marks in this module, imported from the current folder: no file is needed.
    #[arg(long, value_name = "MODULE")]
    pub(crate) python: Option<String>,
    /// What it calls itself [default: the host's name].
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, ArgsOf)]
pub(crate) struct DoctorArgs {
    /// The configuration [default: ./dayfly.toml when there is one].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The server [default: redis://127.0.0.1:6379/0].
    #[arg(long, value_name = "URL")]
    pub(crate) redis_url: Option<String>,
    /// Looks also at the functions that `@dayfly.task` marks in this module.
    #[arg(long, value_name = "MODULE")]
    pub(crate) python: Option<String>,
    /// Only looks: no job is run.
    #[arg(long)]
    pub(crate) no_trial: bool,
    /// Tells it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ArgsOf)]
pub(crate) struct RestArgs {
    /// For so long, ms.
    #[arg(long)]
    pub(crate) ms: u64,
}

#[derive(Debug, ArgsOf)]
pub(crate) struct TetherArgs {
    /// The parent; when it is another one already, the program is not started.
    #[arg(long)]
    pub(crate) parent: i32,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}
