//! Trying a tier before work is trusted to it: a small hostile tree is ended by a kill and by its slot's sudden death,
//! and /proc is searched for survivors.

use super::{
    BootTime, Exit, JobSpec, Note, RunEnd, Slot, decoy,
    handle::{Run, Supervisor},
    tier::Tier,
    wire::Grounds,
};
use bytes::Bytes;
use dayfly_common::model::{KilledBy, Limits, Nonce};
use std::{fs, io, path::Path, time::Duration};

/// Far longer than a working tier takes.
const BOUND: Duration = Duration::from_secs(10);
/// The variable by which the tree is found again.
const MARK: &str = "DAYFLY_SELF_TEST";

/// Runs both trials; gives what the supervisor says of the host.
///
/// # Errors
/// The tier does not work here: says why.
pub(super) async fn try_tier(supervisor: &Supervisor, exe: &Path, tier: Tier) -> io::Result<Grounds> {
    let trials = async {
        killed_on_request(supervisor, exe, tier).await?;
        killed_with_its_slot(supervisor, exe, tier).await
    };
    tokio::time::timeout(BOUND * 2, trials).await.unwrap_or_else(|_| Err(failed("it took too long")))
}

async fn killed_on_request(supervisor: &Supervisor, exe: &Path, tier: Tier) -> io::Result<()> {
    let (slot, _) = supervisor.open_slot_in(tier).await?;
    let (run, end, mark) = stand(slot, exe).await?;
    if !carries(run.pid, &mark) {
        return Err(failed("the leader's pid, as the host sees it, could not be told"));
    }
    run.control.kill(KilledBy::Cancel, Duration::ZERO);
    let (ended, _) = end.ended().await;
    if ended.unkillable || ended.exit != Exit::Signal(9) {
        return Err(failed("the tree was not killed"));
    }
    no_survivor(&mark)
}

async fn killed_with_its_slot(supervisor: &Supervisor, exe: &Path, tier: Tier) -> io::Result<Grounds> {
    let (slot, grounds) = supervisor.open_slot_in(tier).await?;
    let process = slot.link.process();
    let (_run, end, mark) = stand(slot, exe).await?;
    process.kill()?;
    let (ended, _) = end.ended().await;
    if ended.unkillable {
        return Err(failed("the tree outlived its slot"));
    }
    no_survivor(&mark).map(|()| grounds)
}

/// Starts the tree and waits until it stands.
async fn stand(slot: Slot, exe: &Path) -> io::Result<(Run, RunEnd, String)> {
    let nonce = Nonce::random();
    let exe = exe.to_str().ok_or_else(|| failed("the program's path is not UTF-8"))?;
    let job = JobSpec {
        argv: vec![exe.to_owned(), "supervisor".to_owned(), decoy::ARGUMENT.to_owned()],
        env: vec![(MARK.to_owned(), nonce.to_string())],
        dir: "/".into(),
        input: Bytes::new(),
        timeout: BOUND,
        grace: Duration::ZERO,
        lease_limit: BootTime::now().after(BOUND * 10),
        lease_ttl: BOUND * 10,
        limits: Limits::default(),
        identity: None,
        no_new_privs: true,
        sandbox: None,
        patience: Duration::ZERO,
        max_result: 0,
        max_log: 4096,
        warm: None,
    };
    let (mut run, end) = slot.start(job).await.map_err(|(error, _)| io::Error::other(error))?;
    while let Some(note) = run.notes.recv().await {
        if matches!(&note, Note::Event(_, line) if line == decoy::STANDS) {
            return Ok((run, end, format!("{MARK}={nonce}")));
        }
    }
    let (ended, _) = end.ended().await;
    Err(failed(&format!("its tree could not be built: {}", ended.stderr_tail)))
}

fn no_survivor(mark: &str) -> io::Result<()> {
    let pids = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    match pids.filter(|pid| carries(*pid, mark)).count() {
        0 => Ok(()),
        left => Err(failed(&format!("{left} processes survived"))),
    }
}

fn carries(pid: i32, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
}

fn failed(why: &str) -> io::Error {
    io::Error::other(why.to_owned())
}
