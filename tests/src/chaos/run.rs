//! A whole run: jobs and faults together, then healing, then the judgement.

use super::{
    check::{Invariant, Violation, check},
    clients::Clients,
    clock::{boot_us, epoch_us},
    dice::Dice,
    dump,
    fault::Kind,
    figures::Figures,
    fleet::{Fleet, Programs},
    history::{self, History, Terms},
    lookout, recipe,
    schedule::{Aim, faults},
    strike::strike,
};
use crate::{dayfly_binary, rig::Hand};
use std::{collections::BTreeMap, fs, io, path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// The lease of every run.
const TTL: Duration = Duration::from_secs(3);
/// Within which everything must have ended after healing, in leases.
const LEASES: u32 = 3;
const SUBMITTERS: usize = 6;
const LOOKERS: u64 = 6;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Chaos {
    /// Everything random follows from it.
    pub seed: u64,
    /// Jobs.
    pub jobs: usize,
    /// Faults.
    pub faults: usize,
    /// Of which kinds, and against which jobs.
    pub aim: Aim,
    /// How long jobs are submitted and faults begin.
    pub span: Duration,
    /// Workers.
    pub workers: usize,
    /// Slots of each.
    pub slots: usize,
    /// The program that workers run as: `dayfly`, unless it is a mutant.
    pub worker: Option<PathBuf>,
    /// The jobs' program.
    pub job: PathBuf,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// All that was observed.
    pub history: History,
    /// All that was wrong.
    pub violations: Vec<Violation>,
    /// The figures.
    pub figures: Figures,
    /// Daemons that ended without having been killed.
    pub incidents: Vec<String>,
    dir: TempDir,
}

impl Chaos {
    /// Runs it, under a name for the figures.
    ///
    /// # Errors
    /// Something of the harness itself failed.
    ///
    /// # Panics
    /// The fleet does not come up.
    pub async fn run(&self, name: &'static str) -> io::Result<Outcome> {
        println!("{name}: DAYFLY_SEED={}", self.seed);
        let took = std::time::Instant::now();
        let dir = tempfile::tempdir()?;
        fs::create_dir(dir.path().join("locks"))?;
        let dayfly = dayfly_binary();
        let worker = self.worker.clone().unwrap_or_else(|| dayfly.clone());
        let programs = Programs { dayfly, worker, job: self.job.clone() };
        let fleet = Fleet::start(dir.path(), &programs, self.workers, self.slots).await?;

        let notes = |name: &str| super::notes::Notes::open(&dir.path().join(name));
        let mut watchers = JoinSet::new();
        watchers.spawn(lookout::watch_processes(notes(history::CARRIERS)?));
        watchers.spawn(lookout::watch_events(fleet.server_url.clone(), notes(history::EVENTS)?));
        watchers.spawn(Arc::clone(&fleet).keep());
        let clients = Clients::new(&fleet.url, notes(history::CLIENTS)?, self.aim, self.seed, self.jobs);
        for number in 0..LOOKERS {
            watchers.spawn(Arc::clone(&clients).look_for_ever(Dice::new(self.seed, number)));
        }

        let begun = Instant::now();
        let mut submitting = JoinSet::new();
        for _ in 0..SUBMITTERS {
            submitting.spawn(Arc::clone(&clients).submit_all(begun, self.span));
        }
        let (mut strikes, mut struck) = (JoinSet::new(), BTreeMap::<Kind, u32>::new());
        let log = notes("faults.jsonl")?;
        for planned in faults(self.seed, self.faults, self.span, self.workers, TTL, self.aim) {
            let (fleet, log) = (Arc::clone(&fleet), log.clone());
            strikes.spawn(async move { (planned.kind, strike(fleet, planned, begun, log).await) });
        }
        let mut missed = 0;
        while let Some(done) = strikes.join_next().await {
            let (kind, done) = done.map_err(io::Error::other)?;
            if done { *struck.entry(kind).or_default() += 1 } else { missed += 1 }
        }
        while submitting.join_next().await.is_some() {}
        let healed_at = boot_us();
        let drained_ms = drain(&clients).await;
        // What a job left behind would be seen by now.
        sleep(Duration::from_secs(6)).await;
        watchers.shutdown().await;

        let hand = Hand::try_of(&fleet.server_url).await.map_err(io::Error::other)?;
        let dump = dump::read(&hand).await.map_err(io::Error::other)?;
        let down = fleet.stop();
        let late = notes(history::CARRIERS)?;
        lookout::carriers()
            .iter()
            .filter(|carrier| dump.records.contains_key(&carrier.id))
            .for_each(|carrier| late.add(carrier));
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let drain = micros(TTL * LEASES + recipe::longest(self.aim));
        let terms = Terms { drain, budgets: recipe::budgets(), healed_at, epoch: epoch_us() };
        fs::write(dir.path().join("dump.json"), serde_json::to_vec(&(&dump, &terms))?)?;
        let history = History::read(dir.path(), dump, terms)?;
        let violations = check(&history);
        let figures = Figures {
            name,
            seed: self.seed,
            jobs: self.jobs,
            faults: struck,
            missed,
            drained_ms,
            took: took.elapsed(),
            ..Figures::of(&history, &violations)
        };
        let mut incidents = fleet.incidents();
        incidents.extend(down.into_iter().map(|name| format!("{name} was down at the end")));
        Ok(Outcome { history, violations, figures, incidents, dir })
    }
}

/// Until every job has been seen ended, or far too long; ms.
async fn drain(clients: &Clients) -> u64 {
    let begun = Instant::now();
    while clients.open() > 0 && begun.elapsed() < TTL * 10 {
        sleep(Duration::from_millis(50)).await;
    }
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Outcome {
    /// How often a promise was broken.
    #[must_use]
    pub fn broken(&self, invariant: Invariant) -> usize {
        self.violations.iter().filter(|violation| violation.invariant == invariant).count()
    }

    /// Keeps the folder of observations and logs; says where.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        self.dir.keep()
    }
}
