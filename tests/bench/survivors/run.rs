//! Every shape, ended in every way, in every system.

use super::{
    below::Below,
    dayfly::Dayfly,
    ending::Ending,
    options::{Options, Which},
    peer::{Kind, Peer},
    system::{Order, System},
    table::{Column, table},
    tree::{AFTER_DEATH, AFTER_REPORT, AFTER_START, TIME_LIMIT, tree},
};
use crate::install::{Installed, Scripts};
use anyhow::{Context as _, Result};
use dayfly_worker::process::Isolation;
use std::{path::PathBuf, process::Command};

/// Gives the text to print.
pub(crate) async fn run(options: &Options) -> Result<String> {
    let installed = Installed::get(Scripts::Peers)?;
    let hostile = std::env::current_exe()?.with_file_name("hostile");
    let trees = Trees {
        below: Below::adopt(&hostile).context("hostile: build the programs of dayfly-tests in the same profile")?,
        shapes: &options.shapes,
        go: tempfile::tempdir()?,
    };
    let mut columns = Vec::new();
    for which in &options.systems {
        columns.push(match which {
            Which::Rq => {
                let name = format!("RQ {}", Scripts::Peers.version("rq")?);
                trees.column(name, Peer::start(Kind::Rq, &installed, &hostile).await?).await?
            }
            Which::Celery => {
                let name = format!("Celery {}", Scripts::Peers.version("celery")?);
                trees.column(name, Peer::start(Kind::Celery, &installed, &hostile).await?).await?
            }
            Which::Pidns => trees.dayfly(Isolation::Pidns, &hostile).await?,
            Which::Tree => trees.dayfly(Isolation::Tree, &hostile).await?,
        });
    }
    Ok(format!("{}\n{}", caption(options, &installed)?, table(&columns)))
}

struct Trees<'a> {
    below: Below,
    shapes: &'a [String],
    go: tempfile::TempDir,
}

impl Trees<'_> {
    fn go(&self) -> PathBuf {
        self.go.path().join("go")
    }

    async fn dayfly(&self, isolation: Isolation, hostile: &std::path::Path) -> Result<Column> {
        let system = Dayfly::start(isolation, hostile, self.shapes, &self.go()).await;
        self.column(format!("Dayfly {isolation}"), system).await
    }

    async fn column<S: System>(&self, name: String, mut system: S) -> Result<Column> {
        let mut column = Column::new(name.clone());
        for (row, ending) in Ending::ALL.into_iter().enumerate() {
            if !system.knows(ending) {
                continue;
            }
            for shape in self.shapes {
                let order = Order { shape, ending, go: &self.go() };
                let counted = tree(&mut system, &self.below, &order)
                    .await
                    .with_context(|| format!("{name}, {shape}, {}", ending.name()))?;
                eprintln!("{name}, {}, {shape}: {} of {} left", ending.name(), counted.left, counted.standing);
                column.add(row, &counted);
            }
        }
        Ok(column)
    }
}

fn caption(options: &Options, installed: &Installed) -> Result<String> {
    let server = Command::new(dayfly_tests::server_binary()).arg("--version").output()?;
    let server = String::from_utf8_lossy(&server.stdout);
    let server = server.split(" sha=").next().unwrap_or_default().trim();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "Survivors: processes of all trees / trees with any. Each job is `hostile SHAPE`, in RQ and Celery by a task that \
         calls\n`subprocess.run([hostile, shape])`. Shapes: {}.\nTime limit {TIME_LIMIT:?}. Counted in /proc: when the \
         system says that the job has ended and up to {AFTER_REPORT:?} later; up to {AFTER_DEATH:?} after a death; up to\n\
         {AFTER_START:?} after the worker serves again; at once when nothing is left.\n{}, {server}, Linux {}, {} cores.\n",
        options.shapes.join(", "),
        installed.python()?,
        kernel.trim(),
        std::thread::available_parallelism()?,
    ))
}
