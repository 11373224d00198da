//! One job: folder, environment, start, watch, end.

use crate::{
    clocks::Clocks,
    context::Context,
    environment,
    held::Order,
    identity, outcome,
    process::{BootTime, Control, Ended, JobSpec, Note, Run, RunEnd, Slot, StartError, is_want},
    report::Reporter,
    seat::Seated,
    workdir::JobDir,
};
use dayfly_common::{
    model::{KilledBy, Outcome, Program, TaskDef},
    queue::{Claim, Finish},
};
use nix::errno::Errno;
use std::time::Duration;
use tokio::{sync::mpsc, time::sleep_until};
use tracing::{debug, error, info, warn};

/// How long a job that SIGKILL does not end is waited for, with its lease renewed all the while, so that no second copy of
/// it runs: it may hang in a disk or a network file system that comes back.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is left of a claim after its run.
pub(crate) struct Ran {
    /// What to write; `None` when the attempt is no longer ours.
    pub(crate) finish: Option<Finish>,
    /// The slot, unless it died.
    pub(crate) slot: Option<Slot>,
    /// The host could not start it: to ask for the next job at once would only bring the same.
    pub(crate) strained: bool,
}

impl Ran {
    fn with(finish: Option<Finish>, slot: Option<Slot>) -> Self {
        Self { finish, slot, strained: false }
    }
}

/// A job that is not started.
enum Unready {
    /// For a reason of its own or its task's.
    Job(String),
    /// For want of something on this host.
    Host(String),
}

/// Runs a claimed job to its end.
pub(crate) async fn run(ctx: &Context, slot: Slot, seated: Seated) -> Ran {
    let Seated { claim, mut orders, limit, clocks } = seated;
    let Some(task) = ctx.tasks.get(&claim.task).cloned() else {
        // Only tasks of the catalogue are asked for; a function of another revision may still differ.
        warn!(job = %claim.id, task = %claim.task, "claimed a job of a task that is not in the catalogue; given back");
        return Ran::with(Some(claim.finish(&ctx.worker, Outcome::Drained)), Some(slot));
    };
    if let Some(outcome) = ended_before_start(&mut orders) {
        return Ran::with(outcome.map(|outcome| write_up(ctx, &task, claim, outcome)), Some(slot));
    }
    if let Some(missed) = Clocks::now().missed_since(clocks) {
        info!(job = %claim.id, ?missed, "the wall clock has jumped since the claim, which may be over: given back");
        return Ran::with(Some(write_up(ctx, &task, claim, Outcome::Drained)), Some(slot));
    }
    let prepared = prepare(ctx, &task, &claim, limit);
    let (dir, spec) = match prepared {
        Ok(prepared) => prepared,
        Err(Unready::Job(message)) => {
            warn!(job = %claim.id, task = %claim.task, message, "a job could not be started");
            return Ran::with(Some(write_up(ctx, &task, claim, outcome::not_started(message))), Some(slot));
        }
        Err(Unready::Host(message)) => return give_back(ctx, &task, claim, &message, Some(slot)),
    };
    let timeout = spec.timeout;
    match slot.start(spec).await {
        Ok((run, end)) => {
            debug!(job = %claim.id, task = %claim.task, pid = run.pid, "started");
            let pid = run.pid;
            let watched = watch(ctx, &task, &claim, run, end, &mut orders).await;
            if watched.ended.unkillable {
                // Something may still write there: never to be used again.
                std::mem::forget(dir);
                // Nor is its memory free.
                std::mem::forget(ctx.held.take_memory(&claim.fence.nonce));
            }
            conclude(ctx, &task, claim, timeout, pid, watched)
        }
        Err((error, slot)) => {
            let outcome = match error {
                StartError::Spawn(message) => {
                    warn!(job = %claim.id, task = %claim.task, message, "a job could not be started");
                    outcome::not_started(message)
                }
                StartError::Host(message) => return give_back(ctx, &task, claim, &message, slot),
                StartError::LeaseTooShort => {
                    info!(job = %claim.id, "too little of the lease was left to start; given back");
                    Outcome::Drained
                }
                StartError::SlotGone(message) => {
                    warn!(job = %claim.id, message, "the slot died before the job started");
                    Outcome::Lost
                }
            };
            Ran::with(Some(write_up(ctx, &task, claim, outcome)), slot)
        }
    }
}

/// The job is not to blame: it goes back, free, to be run when this host or another can.
fn give_back(ctx: &Context, task: &TaskDef, claim: Claim, message: &str, slot: Option<Slot>) -> Ran {
    warn!(job = %claim.id, task = %claim.task, message, "this host cannot start a job at the moment; given back");
    Ran { finish: Some(write_up(ctx, task, claim, Outcome::Drained)), slot, strained: true }
}

/// Orders that came before the start: `Some(None)` when the claim is lost already.
fn ended_before_start(orders: &mut mpsc::UnboundedReceiver<Order>) -> Option<Option<Outcome>> {
    while let Ok(order) = orders.try_recv() {
        match order {
            Order::Cancel { .. } => return Some(Some(Outcome::Cancelled)),
            Order::Lost => return Some(None),
            // The limit of the claim is the shorter one: starting by it is only stricter.
            Order::Renew(_) => {}
            // A jump of the clock since the claim is looked for by itself.
            Order::Shorten(_) => {}
        }
    }
    None
}

fn prepare(ctx: &Context, task: &TaskDef, claim: &Claim, limit: BootTime) -> Result<(JobDir, JobSpec), Unready> {
    let dir = ctx.home.job_dir().map_err(|error| {
        let message = format!("the job's folder below {} cannot be made: {error}", ctx.config.state_dir.display());
        let of_host = error.raw_os_error().is_some_and(|code| is_want(Errno::from_raw(code)));
        if of_host { Unready::Host(message) } else { Unready::Job(message) }
    })?;
    let identity = identity::of(task).map_err(Unready::Job)?;
    if let Some((user, group)) = identity {
        dir.give_to(user, group)
            .map_err(|error| Unready::Job(format!("the job's folder cannot be given to its user: {error}")))?;
    }
    let env = environment::variables(task, claim, dir.path()).map_err(|error| Unready::Job(error.to_string()))?;
    let (argv, warm) = match &task.program {
        Program::Command(argv) => (argv.clone(), None),
        Program::Python(function) => {
            let (argv, warm) = ctx.python.host_of(task, function).map_err(Unready::Job)?;
            (argv, Some(warm))
        }
    };
    let spec = JobSpec {
        argv,
        env,
        dir: task.workdir.clone().unwrap_or_else(|| dir.path().to_owned()),
        input: claim.input.clone(),
        timeout: Duration::from_millis(claim.timeout_ms),
        grace: Duration::from_millis(task.kill_grace_ms),
        lease_limit: ctx.lease_limit(limit),
        lease_ttl: ctx.lease_ttl(),
        limits: task.limits.clone(),
        identity,
        no_new_privs: task.no_new_privs,
        sandbox: task.sandbox,
        patience: PATIENCE,
        max_result: task.max_result,
        max_log: task.max_log,
        warm,
    };
    Ok((dir, spec))
}

struct Watched {
    ended: Ended,
    slot: Option<Slot>,
    /// The attempt was taken from us: nothing may be reported.
    lost: bool,
}

/// One loop over everything that can happen to a running job.
async fn watch(
    ctx: &Context,
    task: &TaskDef,
    claim: &Claim,
    run: Run,
    end: RunEnd,
    orders: &mut mpsc::UnboundedReceiver<Order>,
) -> Watched {
    let Run { pid, mut notes, mut progress, control } = run;
    let grace = Duration::from_millis(task.kill_grace_ms);
    let mut reporter = Reporter::new(claim.id, claim.fence.clone(), pid);
    let mut lost = false;
    let (mut notes_open, mut progress_open, mut draining, mut ending) = (true, true, false, false);
    let end = end.ended();
    tokio::pin!(end);
    let (ended, slot) = loop {
        let due = reporter.due();
        tokio::select! {
            ended = &mut end => break ended,
            note = notes.recv(), if notes_open => match note {
                Some(note) => {
                    if let Note::Stuck(_, remains) = &note {
                        error!(job = %claim.id, pid, remains, "processes of a job do not die from SIGKILL; its slot is replaced unless they do within a minute");
                    }
                    reporter.take(note);
                }
                None => notes_open = false,
            },
            changed = progress.changed(), if progress_open => match changed {
                Ok(()) => reporter.show(progress.borrow().clone()),
                Err(_) => progress_open = false,
            },
            order = orders.recv() => if let Some(order) = order {
                lost |= obey(order, &control, grace);
            },
            () = sleep_until(due.unwrap_or_else(tokio::time::Instant::now)), if due.is_some() && !lost => {
                match reporter.flush(ctx).await {
                    Ok(true) => {}
                    Ok(false) => lost |= obey(Order::Lost, &control, grace),
                    Err(error) => debug!(job = %claim.id, %error, "a report is kept for later"),
                }
            }
            () = ctx.end.cancelled(), if !draining => {
                draining = true;
                control.kill(KilledBy::Drain, grace);
            }
            () = ctx.end_now.cancelled(), if !ending => {
                ending = true;
                control.kill(KilledBy::Drain, Duration::ZERO);
            }
        }
    };
    while let Ok(note) = notes.try_recv() {
        reporter.take(note);
    }
    {
        let latest = progress.borrow_and_update();
        if latest.has_changed() {
            reporter.show(latest.clone());
        }
    }
    while reporter.has_words() && !lost {
        match reporter.flush(ctx).await {
            Ok(ours) => lost |= !ours,
            Err(error) => {
                warn!(job = %claim.id, %error, "the last lines of a log could not be written");
                break;
            }
        }
    }
    Watched { ended, slot, lost }
}

/// Carries an order out; true when the attempt is lost.
fn obey(order: Order, control: &Control, grace: Duration) -> bool {
    match order {
        Order::Renew(limit) => {
            control.renew(limit);
            false
        }
        Order::Shorten(limit) => {
            control.shorten(limit);
            false
        }
        Order::Cancel { grace_ms } => {
            let asked = grace_ms.map_or(grace, Duration::from_millis);
            control.kill(KilledBy::Cancel, asked.min(grace));
            false
        }
        Order::Lost => {
            control.kill(KilledBy::Lease, Duration::ZERO);
            true
        }
    }
}

fn conclude(ctx: &Context, task: &TaskDef, claim: Claim, timeout: Duration, pid: i32, watched: Watched) -> Ran {
    let Watched { mut ended, slot, lost } = watched;
    ctx.metrics.ran(&claim.task, &ended.usage, ended.killed_by.zip(ended.kill_ms));
    if lost {
        warn!(job = %claim.id, "the lease was lost; its processes are gone and nothing is reported");
        return Ran::with(None, slot);
    }
    let outcome = outcome::of_run(task, timeout, &mut ended);
    let id = claim.id;
    let mut finish = write_up(ctx, task, claim, outcome);
    finish.usage = Some(ended.usage);
    finish.killed_by = ended.killed_by;
    finish.kill_ms = ended.kill_ms;
    finish.pid = Some(pid);
    debug!(job = %id, wall_ms = ended.usage.wall_ms, killed_by = ?ended.killed_by, exit = ?ended.exit, "ended");
    Ran::with(Some(finish), slot)
}

/// The end of a claim with what its task says about retries and retention.
fn write_up(ctx: &Context, task: &TaskDef, claim: Claim, outcome: Outcome) -> Finish {
    let failures = claim.failures + 1;
    let jitter = dayfly_common::model::random_u64();
    let mut finish = claim.finish(&ctx.worker, outcome);
    finish.retry_delay_ms = task.backoff.delay_ms(failures, jitter);
    finish.retries = task.retries;
    finish.lost_retries = task.lost_retries;
    finish.retention_ms = task.retention_ms;
    finish
}
