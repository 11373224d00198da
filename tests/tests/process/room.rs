//! A supervisor of the test's own, and jobs in it.

use dayfly_common::queue::Progress;
use dayfly_worker::process::{Ended, Isolation, JobSpec, Note, Run, RunEnd, Slot, Supervisor};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// Anything here that takes longer has failed.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// A job that has ended.
pub(crate) struct Done {
    pub(crate) ended: Ended,
    pub(crate) notes: Vec<Note>,
    pub(crate) progress: Option<Progress>,
    pub(crate) slot: Option<Slot>,
}

pub(crate) fn supervisor() -> Supervisor {
    supervisor_in(Isolation::Auto)
}

pub(crate) fn supervisor_in(isolation: Isolation) -> Supervisor {
    Supervisor::launch_with(&program("process-fixture"), isolation).expect("a supervisor")
}

/// A program of these tests; `DAYFLY_TEST_BIN_DIR` holds copies of them for a user who cannot see the originals.
pub(crate) fn program(name: &str) -> PathBuf {
    let built = match name {
        "hostile" => env!("CARGO_BIN_EXE_hostile"),
        _ => env!("CARGO_BIN_EXE_process-fixture"),
    };
    std::env::var_os("DAYFLY_TEST_BIN_DIR").map_or_else(|| built.into(), |dir| Path::new(&dir).join(name))
}

/// A shape, and its argument after a space.
pub(crate) fn hostile(shape: &str) -> JobSpec {
    let program = program("hostile");
    let argv: Vec<&str> = program.to_str().into_iter().chain(shape.split(' ')).collect();
    dayfly_tests::process::spec(&argv)
}

pub(crate) fn root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

pub(crate) fn kill_hard(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a process of this test's");
}

/// A word that only this job carries in its environment, for finding its processes in /proc.
pub(crate) fn mark(spec: &mut JobSpec) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let word = format!("DAYFLY_MARK={}.{}.", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let (name, value) = word.split_once('=').expect("a variable");
    spec.env.push((name.to_owned(), value.to_owned()));
    word
}

/// Starts a job in a fresh slot.
pub(crate) async fn start(supervisor: &Supervisor, spec: JobSpec) -> (Run, RunEnd) {
    let slot = supervisor.open_slot().await.expect("a slot");
    slot.start(spec).await.map_err(|(error, _)| error).expect("a running job")
}

/// Waits until the job says `ready`.
pub(crate) async fn ready(run: &mut Run) {
    assert!(gets_ready(run).await, "the job ended before it was ready");
}

/// Whether the job says `ready` before it ends.
pub(crate) async fn gets_ready(run: &mut Run) -> bool {
    let said = tokio::time::timeout(BOUND, async {
        while let Some(note) = run.notes.recv().await {
            if matches!(&note, Note::Event(_, line) if line == "ready") {
                return true;
            }
        }
        false
    });
    said.await.expect("ready in time")
}

/// Waits for the end of a job.
pub(crate) async fn end(end: RunEnd) -> (Ended, Option<Slot>) {
    tokio::time::timeout(BOUND, end.ended()).await.expect("the job's end in time")
}

/// Runs a job from beginning to end.
pub(crate) async fn run_in(slot: Slot, spec: JobSpec) -> Done {
    let (mut run, job) = slot.start(spec).await.map_err(|(error, _)| error).expect("a running job");
    let read = async {
        let mut notes = Vec::new();
        while let Some(note) = run.notes.recv().await {
            notes.push(note);
        }
        notes
    };
    let ((ended, slot), notes) = tokio::join!(end(job), read);
    let progress = run.progress.borrow().clone();
    Done { ended, notes, progress, slot }
}

/// As [`run_in`], in a room of its own.
pub(crate) async fn run(spec: JobSpec) -> Done {
    let supervisor = supervisor();
    let slot = supervisor.open_slot().await.expect("a slot");
    run_in(slot, spec).await
}
