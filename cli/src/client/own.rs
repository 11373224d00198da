//! What the program says about itself: `dayfly completions`, `dayfly man`, `dayfly config`.

use super::{Exit, term};
use crate::{
    args::Args,
    failure::Failure,
    settings::{self, Flags},
};
use clap::{Args as ArgsOf, CommandFactory as _, Subcommand};
use clap_complete::Shell;
use std::{
    fs,
    path::{Path, PathBuf},
};

#[derive(Debug, ArgsOf)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, ArgsOf)]
pub(crate) struct ManArgs {
    /// Writes a page for each command into this folder [default: the first page, on standard output].
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Debug, ArgsOf)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    verb: ConfigVerb,
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Tells every fault of the configuration, by file and line; exit code 2 when there is one.
    Check {
        /// The configuration [default: ./dayfly.toml].
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Leaves the programs of tasks alone: for a host that runs the API only.
        #[arg(long)]
        api_only: bool,
    },
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "dayfly", &mut text);
    term::write(&text)
}

pub(super) fn man(args: &ManArgs) -> Result<(), Failure> {
    let mut command = Args::command();
    command.build();
    match &args.dir {
        Some(dir) => {
            fs::create_dir_all(dir).map_err(|why| Exit::Error.because(format_args!("{}: {why}", dir.display())))?;
            pages(dir, &command, "dayfly")
        }
        None => term::write(&page(&command)?),
    }
}

/// `dayfly.1`, `dayfly-tokens.1`, `dayfly-tokens-create.1` ..
fn pages(dir: &Path, command: &clap::Command, name: &str) -> Result<(), Failure> {
    let file = dir.join(format!("{name}.1"));
    let text = page(command)?;
    fs::write(&file, text).map_err(|why| Exit::Error.because(format_args!("{}: {why}", file.display())))?;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
        pages(dir, below, &format!("{name}-{}", below.get_name()))?;
    }
    Ok(())
}

fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(command.clone());
    page.render(&mut text).map_err(|why| Exit::Error.because(format_args!("no page: {why}")))?;
    Ok(text)
}

pub(super) fn config(args: &ConfigArgs) -> Result<(), Failure> {
    match &args.verb {
        ConfigVerb::Check { config, api_only } => {
            let file = settings::file(config.as_deref());
            let shown = file.as_deref().map_or("the environment".to_owned(), |file| file.display().to_string());
            let read = settings::read(file, Flags::default(), !api_only)?;
            let number = read.tasks.len();
            let plural = if number == 1 { "" } else { "s" };
            term::print(&format!("{shown}: no fault, {number} task{plural}"))
        }
    }
}
