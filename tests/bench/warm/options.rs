//! The flags of the subcommand.

/// Measures warm Python tasks beside cold ones, multiprocessing, a process pool and RQ.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rounds; each rate is the median of them, a percentile that of all rounds together.
    #[arg(long, default_value_t = 5, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) rounds: usize,
    /// Warm jobs of a round; the slower ways get a share of them.
    #[arg(long, default_value_t = 2_000, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(200..))]
    pub(crate) jobs: usize,
    /// Slots of the worker, and processes at a time of all other ways; twice the cores by default.
    #[arg(long)]
    pub(crate) slots: Option<u32>,
    /// Seconds to wait for a load average below 1.5 before it begins.
    #[arg(long, default_value_t = 120)]
    pub(crate) patience: u64,
    /// Prints JSON rather than a table.
    #[arg(long)]
    pub(crate) json: bool,
}
