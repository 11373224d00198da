//! The programs around a job, for tests of the process room: the supervisor, and a daemon to be killed.
//!
//! `process-fixture supervisor` is what a worker starts. `process-fixture daemon PROGRAM [ARGUMENT..]` runs a job in a
//! slot and in this program's folder, says who is who (`daemon supervisor slot leader`, one line of pids), passes on what the job says on fd 3, and waits.
//! `process-fixture host ..` is that daemon below an init of its own: what loses all its parents ends up there, is reaped at
//! once, and is killed to the last process when standard input closes. So the machine's own init has no work from it.

use dayfly_tests::{descendants, process::spec};
use dayfly_worker::process::{Isolation, Note, Supervisor, supervisor_main};
use nix::{
    errno::Errno,
    sys::{
        prctl,
        signal::{Signal, kill},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};
use std::{
    env,
    error::Error,
    io::Read,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    match arguments.next().as_deref() {
        Some("supervisor") => supervisor_main(),
        Some("daemon") => daemon(arguments.collect()),
        Some("host") => host(arguments.collect()),
        other => Err(format!("no such program: {other:?}").into()),
    }
}

fn host(argv: Vec<String>) -> Result<(), Box<dyn Error>> {
    prctl::set_child_subreaper(true)?;
    Command::new(env::current_exe()?).arg("daemon").args(argv).stdin(Stdio::null()).spawn()?;
    thread::spawn(|| {
        let mut nothing = [0; 16];
        while std::io::stdin().read(&mut nothing).is_ok_and(|length| length > 0) {}
        loop {
            for pid in descendants(std::process::id().cast_signed()) {
                // An error means that it has ended.
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            thread::sleep(Duration::from_millis(1));
        }
    });
    loop {
        if waitpid(None, Some(WaitPidFlag::__WALL)) == Err(Errno::ECHILD) {
            return Ok(());
        }
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
    spec.dir = env::current_dir()?;
    // This program's `JOB_X` is the job's `DAYFLY_X`; what is for `hostile` is so as it stands.
    spec.env.extend(env::vars().filter_map(|(name, value)| match name.strip_prefix("JOB_") {
        Some(rest) => Some((format!("DAYFLY_{rest}"), value)),
        None => name.starts_with("HOSTILE_").then_some((name, value)),
    }));
    let (mut run, end) = slot.start(spec).await.map_err(|(error, _)| error)?;
    println!("{} {} {slot_pid} {}", std::process::id(), supervisor.pid(), run.pid);
    while let Some(note) = run.notes.recv().await {
        match note {
            Note::Event(_, line) => println!("{line}"),
            Note::Stderr(_, line) | Note::System(_, line) => eprintln!("{line}"),
            Note::Leads(_) => {}
            Note::Stuck(_, remains) => eprintln!("it does not die: {remains}"),
        }
    }
    let (ended, _) = end.ended().await;
    println!("ended {ended:?}");
    Ok(())
}
