//! The flags of the subcommand.

/// Runs the same hostile programs as jobs of Dayfly, RQ and Celery and counts what survives each way to end them.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The systems, in the order of the columns.
    #[arg(long, value_delimiter = ',', default_value = "rq,celery,pidns,tree")]
    pub(crate) systems: Vec<Which>,
    /// The shapes of `hostile`.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "ignore-term,daemonize,chain,tree-10,sessions-200,stop,forget,respawn,fork-during-kill"
    )]
    pub(crate) shapes: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Which {
    /// RQ.
    Rq,
    /// Celery, with its prefork pool.
    Celery,
    /// Dayfly with `isolation = "pidns"`.
    Pidns,
    /// Dayfly with `isolation = "tree"`.
    Tree,
}
