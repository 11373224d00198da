//! A trial: a worker of this host, on a keyspace of its own, runs a job, times one out and cancels one. Nothing of the installation
//! is touched; keys and folders are removed whatever happens, but for SIGKILL.

use super::finding::{Finding, Report};
use dayfly_common::{
    config::WorkerConfig,
    model::{ErrorKind, JobId, KilledBy, State, TaskDef, TaskName},
    queue::{JobRecord, Queue, QueueError, Submit},
};
use dayfly_worker::{Shutdown, WorkerError, process::Supervisor};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::{task::JoinHandle, time::sleep};

/// For each of the three jobs, on a busy host.
const BOUND: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);
/// For the worker's leave.
const LEAVE: Duration = Duration::from_secs(15);
/// The deadline of the job that does not keep it, ms.
const DEADLINE_MS: u64 = 500;
const RUN: &str = "run";
const LINGER: &str = "linger";

/// A trial under way.
pub(super) struct Trial {
    queue: Queue,
    shutdown: Shutdown,
    worker: JoinHandle<Result<(), WorkerError>>,
    /// Removed with the value.
    _folder: tempfile::TempDir,
}

/// Why a trial ended early.
enum Stop {
    Queue(QueueError),
    /// In words.
    Else(String),
}

impl From<QueueError> for Stop {
    fn from(error: QueueError) -> Self {
        Self::Queue(error)
    }
}

impl Trial {
    /// Starts the worker. `queue`: of a private prefix.
    pub(super) fn begin(worker: &WorkerConfig, queue: Queue, supervisor: Supervisor) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|why| format!("no temporary folder: {why}"))?;
        let exe = std::env::current_exe().map_err(|why| format!("this program's own path: {why}"))?;
        let config = WorkerConfig {
            name: "doctor".to_owned(),
            slots: 1,
            memory: None,
            drain_timeout_ms: 0,
            state_dir: folder.path().to_owned(),
            metrics_listen: None,
            ..worker.clone()
        };
        let tasks = tasks(&exe)?;
        let shutdown = Shutdown::default();
        let worker = tokio::spawn(dayfly_worker::run(config, tasks, queue.clone(), supervisor, shutdown.clone()));
        Ok(Self { queue, shutdown, worker, _folder: folder })
    }

    /// The three jobs, each with its finding. Ends at the first that goes wrong.
    pub(super) async fn course(&mut self, report: &mut Report) {
        let steps = async {
            report.add(Self::run(&self.queue).await?);
            report.add(Self::time_out(&self.queue).await?);
            report.add(Self::cancel(&self.queue).await?);
            Ok(())
        };
        let stopped = tokio::select! {
            done = steps => done,
            ended = &mut self.worker => Err(Stop::Else(match ended {
                Ok(Ok(())) => "the worker left by itself".to_owned(),
                Ok(Err(why)) => why.to_string(),
                Err(why) => why.to_string(),
            })),
        };
        if let Err(stop) = stopped {
            let (found, fix) = match stop {
                Stop::Queue(error) => {
                    let fix =
                        "Give Dayfly's user all rights of docs/redis.md; the server's log and `ACL LOG` say more.";
                    (error.to_string(), fix)
                }
                Stop::Else(said) => {
                    (said, "Run it again with DAYFLY_LOG=debug, which shows what the worker of the trial does.")
                }
            };
            report.add(Finding::fail("trial", found, "Jobs would fare no better.", fix));
        }
    }

    async fn run(queue: &Queue) -> Result<Finding, Stop> {
        let begun = Instant::now();
        let record = end_of(queue, submit(queue, RUN).await?).await?;
        let took = begun.elapsed();
        match (record.state, record.error) {
            (State::Succeeded, _) => {
                Ok(Finding::ok("trial.run", format!("a job ran, from submit to end in {took:.0?}")))
            }
            (state, error) => Err(Stop::Else(format!("a job that only ends itself is {state}: {}", words(error)))),
        }
    }

    async fn time_out(queue: &Queue) -> Result<Finding, Stop> {
        let record = end_of(queue, submit(queue, LINGER).await?).await?;
        let kind = record.error.as_ref().map(|error| error.kind);
        if (record.state, kind) == (State::Failed, Some(ErrorKind::Timeout)) {
            let found = format!("a job was ended at its deadline, its tree gone in {} ms", record.kill_ms.unwrap_or(0));
            return Ok(Finding::ok("trial.timeout", found));
        }
        Err(Stop::Else(format!("a job beyond its deadline is {}: {}", record.state, words(record.error))))
    }

    async fn cancel(queue: &Queue) -> Result<Finding, Stop> {
        // Its own, longer deadline leaves time for the cancel.
        let id = submit_with(queue, LINGER, Some(60_000)).await?;
        let at = Instant::now();
        while record_of(queue, id).await?.state != State::Running {
            if at.elapsed() > BOUND {
                return Err(Stop::Else(format!("a job had not started within {BOUND:?}")));
            }
            sleep(LOOK).await;
        }
        let begun = Instant::now();
        queue.cancel(id, Some("the trial of dayfly doctor"), None).await?;
        let record = end_of(queue, id).await?;
        let took = begun.elapsed();
        match (record.state, record.killed_by) {
            (State::Cancelled, Some(KilledBy::Cancel)) => {
                Ok(Finding::ok("trial.cancel", format!("a running job was cancelled, its tree gone in {took:.0?}")))
            }
            (state, _) => Err(Stop::Else(format!("a cancelled job is {state}: {}", words(record.error)))),
        }
    }

    /// Ends the worker and whatever it runs.
    pub(super) async fn end(mut self) {
        self.shutdown.drain.cancel();
        self.shutdown.now.cancel();
        if !self.worker.is_finished() && tokio::time::timeout(LEAVE, &mut self.worker).await.is_err() {
            tracing::warn!("the worker of the trial does not leave; it ends with this program");
            self.worker.abort();
        }
    }
}

fn tasks(exe: &std::path::Path) -> Result<Vec<TaskDef>, String> {
    let exe: PathBuf = exe.to_owned();
    let exe = exe.to_str().ok_or("this program's own path is not UTF-8")?;
    let task = |name: &str, ms: &str, timeout_ms: u64| -> Result<TaskDef, String> {
        let name = name.parse::<TaskName>().map_err(|why| why.to_string())?;
        let plain = TaskDef::command(name, &[exe, "rest", "--ms", ms]);
        // The least there is: a minute, should this program be killed.
        Ok(TaskDef { timeout_ms, max_timeout_ms: 60_000, kill_grace_ms: 1_000, retention_ms: 60_000, ..plain })
    };
    Ok(vec![task(RUN, "0", 30_000)?, task(LINGER, "60000", DEADLINE_MS)?])
}

async fn submit(queue: &Queue, task: &str) -> Result<JobId, Stop> {
    submit_with(queue, task, None).await
}

async fn submit_with(queue: &Queue, task: &str, timeout_ms: Option<u64>) -> Result<JobId, Stop> {
    let id = JobId::now();
    let job = Submit {
        id,
        task: task.parse().map_err(|why| Stop::Else(format!("{why}")))?,
        input: "{}".into(),
        priority: 5,
        delay_ms: 0,
        timeout_ms,
        expires_ms: None,
        retries: Some(0),
        retention_ms: Some(60_000),
        max_queued: None,
        repeatable: false,
        trace: None,
        owner: String::new(),
        labels: std::collections::BTreeMap::new(),
        unique: None,
        retry_of: None,
    };
    queue.submit(&job).await?;
    Ok(id)
}

async fn record_of(queue: &Queue, id: JobId) -> Result<JobRecord, Stop> {
    let view = queue.job(id).await?;
    view.map(|view| view.record).ok_or_else(|| Stop::Else("a job that was just submitted is not there".to_owned()))
}

async fn end_of(queue: &Queue, id: JobId) -> Result<JobRecord, Stop> {
    let begun = Instant::now();
    loop {
        let record = record_of(queue, id).await?;
        if record.state.is_terminal() {
            return Ok(record);
        }
        if begun.elapsed() > BOUND {
            return Err(Stop::Else(format!("a job had not ended within {BOUND:?}: it is {}", record.state)));
        }
        sleep(LOOK).await;
    }
}

fn words(error: Option<dayfly_common::model::JobError>) -> String {
    error.map_or_else(|| "no error".to_owned(), |error| error.message)
}
