//! Handing a job to a slot.

use super::{
    BootTime, JobSpec,
    clock::{Lease, nanos},
    drive::{self, Driver},
    ending::Ending,
    handle::{Run, RunEnd, Slot, StartError},
    limits::Bounds,
    link::Said,
    output::Output,
    refusal::Refusal,
    tier::Tier,
    wire::{FromSlot, Sandboxed, Start, ToSlot, Warmth, sealed_file},
};
use dayfly_common::model::Sandbox;
use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

/// Lines on their way to the reader of [`Run::notes`].
const NOTES: usize = 1024;
/// The kernel may be slow to load a program (a hung network file system); this much beyond its whole time it is given up.
const SLACK: Duration = Duration::from_secs(5);

type Started = Result<(Run, RunEnd), (StartError, Option<Slot>)>;

/// See [`Slot::start`].
pub(super) async fn start(slot: Slot, spec: JobSpec) -> Started {
    let opened = Output::open(spec.max_result, spec.max_log, NOTES)
        .and_then(|(output, ends, said)| Ok((output, ends, said, standard_input(&spec.input)?)));
    let (output, [stdout, stderr, events], said, stdin) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            return Err((Refusal::at("the worker has no pipes for it", &error).into(), Some(slot)));
        }
    };
    let message = ToSlot::Start(Box::new(message(&spec)));
    let fds = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd(), events.as_fd()];
    if let Err(error) = slot.link.tell(&message, &fds) {
        return match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Err(gone(slot).await),
            _ => Err((Refusal::at("the job could not be handed over", &error).into(), Some(slot))),
        };
    }
    // Copies here would keep the pipes open.
    drop((stdin, stdout, stderr, events));

    let lease = Lease { limit: spec.lease_limit, ttl: spec.lease_ttl };
    let now = BootTime::now();
    let longest = spec.timeout.saturating_add(spec.grace).min(lease.force_at().since(now)).saturating_add(SLACK);
    match tokio::time::timeout(longest, slot.link.hear()).await {
        Ok(Ok(Said::Message(FromSlot::Started { pid }, named))) => {
            let ending = Ending::new(lease, now.after(spec.timeout), spec.grace);
            let pid = match slot.link.tier() {
                Tier::Pidns => named.unwrap_or(pid),
                Tier::Tree => pid,
            };
            Ok(Run::begin(pid, said, Driver::new(slot, ending, spec.patience), output))
        }
        Ok(Ok(Said::Message(FromSlot::NotStarted(why), _))) => Err((why.into(), Some(slot))),
        Ok(Ok(Said::Message(FromSlot::LeaseTooShort, _))) => Err((StartError::LeaseTooShort, Some(slot))),
        Ok(Ok(Said::Message(FromSlot::Gone { unkillable }, _))) => Err((slot_gone(!unkillable), None)),
        Ok(Ok(
            Said::Message(
                FromSlot::Hello(_)
                | FromSlot::Refused(_)
                | FromSlot::Leads { .. }
                | FromSlot::Stuck { .. }
                | FromSlot::Ended(_),
                _,
            )
            | Said::End,
        )) => Err(gone(slot).await),
        Ok(Err(error)) => {
            let (gone, _) = gone(slot).await;
            tracing::warn!(%error, "a slot's message could not be read");
            Err((gone, None))
        }
        Err(_) => Err((never_told(slot).await, None)),
    }
}

/// A slot that was handed a job and said nothing in all its time: it was stopped, or hangs in loading the program. Whether that
/// had begun is unknown, so that the attempt is lost once nothing of it is left.
async fn never_told(slot: Slot) -> StartError {
    slot.link.kill();
    if drive::until_gone(&slot.link).await {
        StartError::SlotGone(
            "it did not say in all its time that the job had started; nothing of it is left".to_owned(),
        )
    } else {
        StartError::Spawn("its program did not start in all its time: is its file system hung?".to_owned())
    }
}

impl From<Refusal> for StartError {
    fn from(refusal: Refusal) -> Self {
        if refusal.of_host { Self::Host(refusal.why) } else { Self::Spawn(refusal.why) }
    }
}

/// The slot has died or speaks nonsense: makes sure that it and its tree are gone.
async fn gone(slot: Slot) -> (StartError, Option<Slot>) {
    slot.link.kill();
    (slot_gone(drive::until_gone(&slot.link).await), None)
}

fn slot_gone(clean: bool) -> StartError {
    let why = if clean { "nothing of it is left" } else { "it left a process that SIGKILL does not end" };
    StartError::SlotGone(why.to_owned())
}

fn message(spec: &JobSpec) -> Start {
    Start {
        argv: spec.argv.clone(),
        env: spec.env.clone(),
        dir: spec.dir.clone(),
        timeout_ns: nanos(spec.timeout),
        grace_ns: nanos(spec.grace),
        lease_limit_ns: spec.lease_limit.0,
        lease_ttl_ns: nanos(spec.lease_ttl),
        bounds: Bounds::from(&spec.limits),
        identity: spec.identity,
        no_new_privs: spec.no_new_privs,
        patience_ns: nanos(spec.patience),
        sandbox: spec.sandbox.map(|sandbox| match sandbox {
            Sandbox::Workdir => Sandboxed::Workdir,
        }),
        warmth: spec.warm.as_ref().map(|warm| Warmth {
            key: warm.key.clone(),
            dir: warm.dir.clone(),
            max_jobs: warm.max_jobs,
            max_memory: warm.max_memory,
        }),
    }
}

/// A file rather than a pipe: no one has to be there to write it, and a job that does not read it disturbs nobody.
fn standard_input(input: &[u8]) -> io::Result<OwnedFd> {
    if input.is_empty() { Ok(File::open("/dev/null")?.into()) } else { sealed_file(input) }
}
