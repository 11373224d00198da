//! `dayfly-bench`: what Dayfly does on this machine, each figure beside the machine's own limit measured in the same run.
//!
//! Starts a server, an API and workers of its own. Prints a table, and JSON with `--json`. `dayfly-bench survivors` puts
//! Dayfly beside other systems instead, `dayfly-bench warm` warm Python tasks beside other ways to run a function in a process.

mod figures;
mod http;
mod install;
mod latency;
mod limits;
mod script;
mod survivors;
mod throughput;
mod warm;

use anyhow::Context as _;
use clap::Parser;
use figures::Figures;
use std::io::Write as _;

/// Measures Dayfly beside the limits of this machine.
#[derive(Debug, Parser)]
#[command(name = "dayfly-bench", version, args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    other: Option<Other>,
    /// Rounds; each figure is the median.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Jobs of one throughput round.
    #[arg(long, default_value_t = 4_000)]
    jobs: usize,
    /// Slots of the worker; twice the cores by default.
    #[arg(long)]
    slots: Option<u32>,
    /// Prints JSON rather than a table.
    #[arg(long)]
    json: bool,
}

/// What is measured instead.
#[derive(Debug, clap::Subcommand)]
enum Other {
    Survivors(survivors::Options),
    Warm(warm::Options),
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut out = std::io::stdout().lock();
    let (figures, json) = match &options.other {
        Some(Other::Survivors(options)) => {
            let table = runtime.block_on(survivors::run(options))?;
            return write!(out, "{table}").context("standard output");
        }
        Some(Other::Warm(options)) => (runtime.block_on(warm::run(options))?, options.json),
        None => (runtime.block_on(measure(&options))?, options.json),
    };
    if json { writeln!(out, "{}", figures.json()) } else { write!(out, "{}", figures.table()) }
        .context("standard output")
}

async fn measure(options: &Options) -> anyhow::Result<Figures> {
    let cores = std::thread::available_parallelism()?.get();
    let slots = options.slots.unwrap_or(u32::try_from(cores * 2)?);
    let mut figures = Figures::new(cores, slots);
    throughput::submits(&mut figures, options.rounds).await?;
    throughput::bytes(&mut figures).await?;
    throughput::jobs(&mut figures, options.rounds, options.jobs, slots, cores).await?;
    latency::pickup(&mut figures).await?;
    Ok(figures)
}
