//! Figures of the process room by itself, in each tier that works here: jobs a second beside a bare spawn loop, kill
//! latency, deadline error, memory.
//!
//! `process-bench [SECONDS]` prints a table; 0 leaves out the jobs a second. `DEADLINES=500`: how many jobs to end by theirs. `process-bench supervisor` is what it starts.

use dayfly_common::model::KilledBy;
use dayfly_tests::process::spec;
use dayfly_worker::process::{Isolation, JobSpec, Note, Slot, Supervisor, supervisor_main};
use nix::{spawn, sys::wait::waitpid};
use std::{
    env,
    error::Error,
    ffi::CString,
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// Stays in one call of C, which holds the interpreter's lock, and ignores what is used to end such programs.
const HOLDS_THE_LOCK: &str = "import re, signal
for number in signal.SIGALRM, signal.SIGTERM: signal.signal(number, signal.SIG_IGN)
re.match('(a+)+$', 'a' * 60 + 'b')";

type Any = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Any> {
    let argument = env::args().nth(1);
    if argument.as_deref() == Some("supervisor") {
        supervisor_main();
    }
    let seconds = argument.map_or(Ok(2.0), |text| text.parse())?;
    // Before the runtime's threads exist, as a worker does it.
    let launch = |isolation| Supervisor::launch_with(&env::current_exe()?, isolation);
    let all = [(Isolation::Pidns, launch(Isolation::Pidns)?), (Isolation::Tree, launch(Isolation::Tree)?)];
    let cores = thread::available_parallelism()?.get();
    tokio::runtime::Runtime::new()?.block_on(async {
        for (isolation, supervisor) in all {
            println!("\n{isolation}");
            match supervisor.tier().await {
                Ok(_) => measure(&supervisor, cores, Duration::from_secs_f64(seconds)).await?,
                Err(why) => println!("does not work here: {why}"),
            }
        }
        Ok(())
    })
}

async fn measure(supervisor: &Supervisor, cores: usize, time: Duration) -> Result<(), Any> {
    if !time.is_zero() {
        rates(supervisor, cores, time).await?;
    }
    for shape in ["ignore-term", "tree-10", "tree-200", "sessions-200", "hop", "respawn"] {
        print_times(&format!("kill {shape}"), kills(supervisor, shape, 40).await?);
    }
    let number = env::var("DEADLINES").map_or(Ok(100), |text| text.parse())?;
    let hostile: PathBuf = env::current_exe()?.with_file_name("hostile");
    let spinning = spec(&[hostile.to_string_lossy().as_ref(), "spin"]);
    print_times(&format!("past the deadline, {number} that spin"), deadlines(supervisor, number, &spinning).await?);
    let locked = spec(&["python3", "-c", HOLDS_THE_LOCK]);
    print_times(&format!("past the deadline, {number} in Python"), deadlines(supervisor, number, &locked).await?);
    memory(supervisor).await
}

async fn rates(supervisor: &Supervisor, cores: usize, time: Duration) -> Result<(), Any> {
    println!("{cores} cores, {time:?} a figure, three rounds in turn");
    for (name, argv) in [("true", vec!["/bin/true"]), ("sh -c :", vec!["/bin/sh", "-c", ":"])] {
        for _ in 0..3 {
            let bare = bare(&argv, cores, time)?;
            let ours = slots(supervisor, &argv, cores, time).await?;
            println!("{name:8}  bare loop {bare:6.0}/s   slots {ours:6.0}/s   {:4.0} %", 100.0 * ours / bare);
        }
    }
    Ok(())
}

fn print_times(what: &str, mut taken: Vec<Duration>) {
    taken.sort();
    let at = |percent: usize| taken.get((taken.len().saturating_sub(1)) * percent / 100).copied().unwrap_or_default();
    println!("{what:32} p50 {:8.2?}   p99 {:8.2?}", at(50), at(99));
}

/// From the deadline to the report that nothing is left, of programs that burn a processor and ignore SIGTERM and SIGALRM.
async fn deadlines(supervisor: &Supervisor, number: usize, job: &JobSpec) -> Result<Vec<Duration>, Any> {
    let job = JobSpec { timeout: Duration::from_millis(50), grace: Duration::ZERO, ..job.clone() };
    let mut slot = supervisor.open_slot().await?;
    let mut late = Vec::new();
    for _ in 0..number {
        let begun = Instant::now();
        let (_run, end) = slot.start(job.clone()).await.map_err(|(error, _)| error)?;
        slot = end.ended().await.1.ok_or("the slot died")?;
        late.push(begun.elapsed().saturating_sub(job.timeout));
    }
    Ok(late)
}

/// What the processes hold while a job sleeps, KiB.
async fn memory(supervisor: &Supervisor) -> Result<(), Any> {
    let slot = supervisor.open_slot().await?;
    let slot_pid = slot.pid();
    let (run, end) = slot.start(spec(&["/bin/sleep", "60"])).await.map_err(|(error, _)| error)?;
    let own = i32::try_from(std::process::id())?;
    for (who, pid) in [("this program", own), ("supervisor", supervisor.pid()), ("slot", slot_pid)] {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let line =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
        println!("{who:32} RSS {}, PSS {}", line("Rss:"), line("Pss:"));
    }
    run.control.kill(KilledBy::Cancel, Duration::ZERO);
    end.ended().await;
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
