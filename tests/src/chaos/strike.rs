//! Carrying a fault out, and undoing it.

use super::{clock::boot_us, fault::Fault, fleet::Fleet, notes::Notes, proxy::Weather, schedule::Planned};
use crate::{descendants, parent, rig::Hand};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;
use std::{fs, sync::Arc, time::Duration};
use tokio::time::sleep;

/// Waits for a fault's time, does it, waits until it is over, undoes it. What was done goes to the notes.
pub(super) async fn strike(fleet: Arc<Fleet>, planned: Planned, begun: tokio::time::Instant, notes: Notes) -> bool {
    tokio::time::sleep_until(begun + planned.at).await;
    let at = boot_us();
    let done = act(&fleet, planned).await;
    let undone = boot_us();
    notes.add(&json!({ "at": at, "undone": undone, "kind": planned.kind.to_string(), "fault": format!("{:?}", planned.fault), "done": done }));
    done.is_some()
}

/// What was done; `None` when there was nothing to do it to.
async fn act(fleet: &Arc<Fleet>, planned: Planned) -> Option<String> {
    let Planned { lasts, fault, .. } = planned;
    match fault {
        Fault::KillDaemon(worker) => {
            fleet.kill_worker(worker, lasts);
            // Over when it is back.
            sleep(lasts).await;
        }
        Fault::KillApi => {
            fleet.kill_api(lasts);
            sleep(lasts).await;
        }
        Fault::KillServer => return kill_server(fleet, lasts).await,
        Fault::KillSupervisor(worker) => {
            let supervisor = find(|| supervisor(fleet.daemon(worker))).await?;
            fleet.doom(worker);
            return signal(&supervisor, Signal::SIGKILL).then(|| supervisor.0.to_string());
        }
        Fault::KillSlot(worker) => {
            let slot = find(|| slot(fleet.daemon(worker))).await?;
            return signal(&slot, Signal::SIGKILL).then(|| slot.0.to_string());
        }
        Fault::StopDaemon(worker) => return stop(find(|| known(fleet.daemon(worker))).await?, lasts).await,
        Fault::StopSupervisor(worker) => return stop(find(|| supervisor(fleet.daemon(worker))).await?, lasts).await,
        Fault::StopSlot(worker) => return stop(find(|| slot(fleet.daemon(worker))).await?, lasts).await,
        Fault::Link(link, weather) => {
            fleet.links[link].set(weather);
            sleep(lasts).await;
            fleet.links[link].set(Weather::Fair);
        }
        Fault::Reset(link) => fleet.links[link].reset(),
        Fault::FlushFunctions => return command(fleet, &["FUNCTION", "FLUSH"]).await,
        Fault::TightMemory => {
            let done = command(fleet, &["CONFIG", "SET", "maxmemory", "1"]).await;
            sleep(lasts).await;
            command(fleet, &["CONFIG", "SET", "maxmemory", "0"]).await?;
            return done;
        }
        Fault::KillClients => return command(fleet, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await,
        Fault::KillScripts => {
            // Nearly always refused, for nothing runs that long.
            let both = (command(fleet, &["FUNCTION", "KILL"]).await, command(fleet, &["SCRIPT", "KILL"]).await);
            return Some(format!("{both:?}"));
        }
    }
    Some(String::new())
}

async fn kill_server(fleet: &Arc<Fleet>, away: Duration) -> Option<String> {
    let server = Arc::clone(fleet);
    let lock = |fleet: &Fleet, act: fn(&mut crate::Server)| {
        act(&mut fleet.server.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    };
    lock(fleet, crate::Server::kill);
    sleep(away).await;
    tokio::task::spawn_blocking(move || lock(&server, crate::Server::restart)).await.ok()?;
    Some(String::new())
}

/// Straight to the server, again and again while it is down: what was done must be undone.
async fn command(fleet: &Fleet, words: &[&str]) -> Option<String> {
    for _ in 0..200 {
        match plain(&fleet.server_url, words).await {
            Ok(said) => return Some(said),
            Err(error) if error.is_io_error() || error.code() == Some("LOADING") => {
                sleep(Duration::from_millis(50)).await
            }
            Err(refused) => return Some(refused.to_string()),
        }
    }
    None
}

async fn plain(url: &str, words: &[&str]) -> redis::RedisResult<String> {
    let hand = Hand::try_of(url).await?;
    let value: redis::Value = hand.send(words).await?;
    Ok(format!("{value:?}"))
}

/// A process that must be the same when it is signalled: pid and start time.
type Process = (i32, String);

/// A daemon that was killed is back a little later.
async fn find(probe: impl Fn() -> Option<Process>) -> Option<Process> {
    for _ in 0..100 {
        if let Some(found) = probe() {
            return Some(found);
        }
        sleep(Duration::from_millis(50)).await;
    }
    None
}

fn known(pid: i32) -> Option<Process> {
    Some((pid, started(pid)?))
}

/// Field 22 of `/proc/<pid>/stat`.
fn started(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19).map(str::to_owned)
}

fn is_called(pid: i32, name: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim_end() == name)
}

fn supervisor(daemon: i32) -> Option<Process> {
    descendants(daemon).into_iter().find(|&pid| is_called(pid, "dayfly-super")).and_then(known)
}

/// One with a job, if there is any.
fn slot(daemon: i32) -> Option<Process> {
    let all = descendants(daemon);
    let slots: Vec<i32> = all.iter().copied().filter(|&pid| is_called(pid, "dayfly-slot")).collect();
    let busy = slots.iter().find(|&&slot| all.iter().any(|&pid| parent(pid) == Some(slot)));
    known(*busy.or(slots.first())?)
}

/// False when it has gone.
fn signal((pid, since): &Process, signal: Signal) -> bool {
    started(*pid).as_ref() == Some(since) && kill(Pid::from_raw(*pid), signal).is_ok()
}

async fn stop(process: Process, lasts: Duration) -> Option<String> {
    if !signal(&process, Signal::SIGSTOP) {
        return None;
    }
    sleep(lasts).await;
    // It may have been killed meanwhile.
    let went_on = signal(&process, Signal::SIGCONT);
    Some(format!("{} for {} ms, {}", process.0, lasts.as_millis(), if went_on { "went on" } else { "was killed" }))
}
