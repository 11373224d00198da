//! The programs around a job, for tests of the process room: the supervisor, and a daemon to be killed.
//!
//! `process-fixture supervisor` is what a worker starts. `process-fixture daemon PROGRAM [ARGUMENT..]` runs a job in a
//! slot, says who is who (`supervisor slot leader`, one line of pids), passes on what the job says on fd 3, and waits.

use dayfly_tests::process::spec;
use dayfly_worker::process::{Isolation, Note, Supervisor, supervisor_main};
use std::{env, error::Error, time::Duration};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    match arguments.next().as_deref() {
        Some("supervisor") => supervisor_main(),
        Some("daemon") => daemon(arguments.collect()),
        other => Err(format!("no such program: {other:?}").into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn daemon(argv: Vec<String>) -> Result<(), Box<dyn Error>> {
    let isolation = env::var("ISOLATION").map_or(Ok(Isolation::Auto), |text| text.parse())?;
    let supervisor = Supervisor::launch_with(&env::current_exe()?, isolation)?;
    let slot = supervisor.open_slot().await?;
    let slot_pid = slot.pid();
    let mut spec = spec(&argv);
    spec.timeout = Duration::from_secs(120);
    // This program's `JOB_X` is the job's `DAYFLY_X`.
    spec.env.extend(
        env::vars().filter_map(|(name, value)| Some((format!("DAYFLY_{}", name.strip_prefix("JOB_")?), value))),
    );
    let (mut run, end) = slot.start(spec).await.map_err(|(error, _)| error)?;
    println!("{} {slot_pid} {}", supervisor.pid(), run.pid);
    while let Some(note) = run.notes.recv().await {
        match note {
            Note::Event(_, line) => println!("{line}"),
            Note::Stderr(_, line) | Note::System(_, line) => eprintln!("{line}"),
        }
    }
    let (ended, _) = end.ended().await;
    println!("ended {ended:?}");
    Ok(())
}
