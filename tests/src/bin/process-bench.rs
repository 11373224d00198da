//! Figures of the process room by itself: jobs a second beside a bare spawn loop, and kill latency.
//!
//! `process-bench [SECONDS]` prints a table. `process-bench supervisor` is what it starts.

use dayfly_common::model::KilledBy;
use dayfly_tests::process::spec;
use dayfly_worker::process::{JobSpec, Note, Slot, Supervisor, supervisor_main};
use nix::{spawn, sys::wait::waitpid};
use std::{
    env,
    error::Error,
    ffi::CString,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

type Any = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Any> {
    let argument = env::args().nth(1);
    if argument.as_deref() == Some("supervisor") {
        supervisor_main();
    }
    let seconds = argument.map_or(Ok(2.0), |text| text.parse())?;
    // Before the runtime's threads exist, as a worker does it.
    let supervisor = Supervisor::launch(&env::current_exe()?)?;
    let cores = thread::available_parallelism()?.get();
    tokio::runtime::Runtime::new()?.block_on(measure(supervisor, cores, Duration::from_secs_f64(seconds)))
}

async fn measure(supervisor: Supervisor, cores: usize, time: Duration) -> Result<(), Any> {
    println!("{cores} cores, {time:?} a figure, three rounds in turn");
    for (name, argv) in [("true", vec!["/bin/true"]), ("sh -c :", vec!["/bin/sh", "-c", ":"])] {
        for _ in 0..3 {
            let bare = bare(&argv, cores, time)?;
            let ours = slots(&supervisor, &argv, cores, time).await?;
            println!("{name:8}  bare loop {bare:6.0}/s   slots {ours:6.0}/s   {:4.0} %", 100.0 * ours / bare);
        }
    }
    for shape in ["ignore-term", "tree-10", "tree-200", "sessions-200", "hop", "respawn"] {
        let mut taken = kills(&supervisor, shape, 40).await?;
        taken.sort();
        let at = |share: f64| taken.get(((taken.len() - 1) as f64 * share) as usize).copied().unwrap_or_default();
        println!("kill {shape:14} p50 {:8.2?}   p99 {:8.2?}", at(0.5), at(0.99));
    }
    Ok(())
}

/// What the machine gives: as many threads as cores, each spawns and waits.
fn bare(argv: &[&str], threads: usize, time: Duration) -> Result<f64, Any> {
    let argv: Vec<CString> = argv.iter().map(|text| CString::new(*text)).collect::<Result<_, _>>()?;
    let run = || -> nix::Result<u32> {
        let (actions, attributes) = (spawn::PosixSpawnFileActions::init()?, spawn::PosixSpawnAttr::init()?);
        let environment: [CString; 0] = [];
        let begun = Instant::now();
        let mut count = 0;
        while begun.elapsed() < time {
            let Some(program) = argv.first() else { break };
            waitpid(spawn::posix_spawn(program.as_c_str(), &actions, &attributes, &argv, &environment)?, None)?;
            count += 1;
        }
        Ok(count)
    };
    let counts = thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        all.into_iter().map(|one| one.join().unwrap_or(Err(nix::errno::Errno::EIO))).collect::<nix::Result<Vec<u32>>>()
    })?;
    Ok(f64::from(counts.iter().sum::<u32>()) / time.as_secs_f64())
}

async fn slots(supervisor: &Supervisor, argv: &[&str], slots: usize, time: Duration) -> Result<f64, Any> {
    let mut all = Vec::new();
    for _ in 0..slots {
        let slot = supervisor.open_slot().await?;
        let job = JobSpec { env: Vec::new(), ..spec(argv) };
        all.push(tokio::spawn(one_after_another(slot, job, time)));
    }
    let mut count = 0;
    for one in all {
        count += one.await??;
    }
    Ok(f64::from(count) / time.as_secs_f64())
}

async fn one_after_another(mut slot: Slot, job: JobSpec, time: Duration) -> Result<u32, Any> {
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < time {
        let (_run, end) = slot.start(job.clone()).await.map_err(|(error, _)| error)?;
        slot = end.ended().await.1.ok_or("the slot died")?;
        count += 1;
    }
    Ok(count)
}

/// From the request to the report that nothing is left.
async fn kills(supervisor: &Supervisor, shape: &str, number: usize) -> Result<Vec<Duration>, Any> {
    let hostile: PathBuf = env::current_exe()?.with_file_name("hostile");
    let job = spec(&[hostile.to_string_lossy().as_ref(), shape]);
    let mut slot = supervisor.open_slot().await?;
    let mut taken = Vec::new();
    for _ in 0..number {
        let (mut run, end) = slot.start(job.clone()).await.map_err(|(error, _)| error)?;
        while !matches!(run.notes.recv().await.ok_or("not ready")?, Note::Event(_, line) if line == "ready") {}
        let begun = Instant::now();
        run.control.kill(KilledBy::Cancel, Duration::ZERO);
        slot = end.ended().await.1.ok_or("the slot died")?;
        taken.push(begun.elapsed());
    }
    Ok(taken)
}
