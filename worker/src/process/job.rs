//! One job in its slot: start the leader, keep its times, end its tree, report.

use super::{
    BootTime,
    clock::Lease,
    ending::{Due, Ending},
    kill, leader,
    reaper::{Reaper, Tree},
    refusal,
    slot::{Event, Slot},
    sys::ExecFailure,
    wire::{FromSlot, JobEnd, Start, ToSlot},
};
use nix::sys::{
    time::TimeSpec,
    timerfd::{Expiration, TimerSetTimeFlags},
};
use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

/// What becomes of the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It takes the next job.
    Idle,
    /// It ends: nobody listens, or it cannot prove that the tree is gone.
    Retire,
}

/// Runs one job to its end and reports it. Nothing of it is left, unless the report says so.
pub(super) fn run(slot: &mut Slot, start: &Start, fds: Vec<OwnedFd>) -> io::Result<After> {
    let now = BootTime::now();
    let lease = Lease { limit: BootTime(start.lease_limit_ns), ttl: Duration::from_nanos(start.lease_ttl_ns) };
    if !lease.may_start(now) {
        return slot.say(&FromSlot::LeaseTooShort).map(|()| After::Idle);
    }
    let mut reaper = match launch(slot, start, fds) {
        Ok(reaper) => reaper,
        Err(reason) => return slot.say(&FromSlot::NotStarted(reason)).map(|()| After::Idle),
    };
    let deadline = now.after(Duration::from_nanos(start.timeout_ns));
    let mut ending = Ending::new(lease, deadline, Duration::from_nanos(start.grace_ns));
    let said = match reaper.leader() {
        Some(pid) => slot.say(&FromSlot::Started { pid }),
        None => Ok(()),
    };
    let orphaned = said.and_then(|()| watch(slot, &mut reaper, &mut ending)).unwrap_or(Watched::Orphaned);

    // Nothing to kill is the usual case: the leader has ended and left nothing.
    let mut tree = reaper.drain();
    if tree == Tree::Alive {
        ending.signalled();
        tree = kill::until_empty(&mut reaper, &mut slot.children);
    }
    let spent = reaper.spent();
    let told = slot.say(&FromSlot::Ended(JobEnd {
        status: reaper.status(),
        killed_by: ending.cause(),
        kill_ns: ending.kill_time().map(super::clock::nanos),
        wall_ns: super::clock::nanos(reaper.started().elapsed()),
        cpu_ns: super::clock::nanos(spent.cpu),
        max_rss: spent.max_rss,
        unkillable: tree == Tree::Alive,
    }));
    let retire = orphaned == Watched::Orphaned || tree == Tree::Alive || told.is_err();
    Ok(if retire { After::Retire } else { After::Idle })
}

/// Starts the leader. Its descriptors are closed here once it has them.
fn launch(slot: &mut Slot, start: &Start, fds: Vec<OwnedFd>) -> Result<Reaper, String> {
    let [stdin, stdout, stderr, events] = <[OwnedFd; 4]>::try_from(fds)
        .map_err(|fds| format!("four descriptors should have come with the job, not {}", fds.len()))?;
    let plan = leader::plan(start)?;
    let started = Instant::now();
    let descriptors = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd(), events.as_fd()];
    let pid = slot.area.start(&plan, descriptors).map_err(|failure: ExecFailure| {
        let programs = leader::candidates(start.argv.first().map_or("", String::as_str), &start.env);
        refusal::explain(start, &programs, &failure)
    })?;
    Ok(Reaper::new(pid, started))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watched {
    /// The leader has ended, or it is time to kill.
    Over,
    /// Daemon or supervisor are gone: kill at once, then end.
    Orphaned,
}

/// Until the leader has ended or SIGKILL is due.
fn watch(slot: &mut Slot, reaper: &mut Reaper, ending: &mut Ending) -> io::Result<Watched> {
    let mut armed = None;
    loop {
        let tree = reaper.drain();
        if tree == Tree::Empty || reaper.leader().is_none() {
            return Ok(Watched::Over);
        }
        match ending.due(BootTime::now()) {
            Due::Kill => return Ok(Watched::Over),
            Due::Term => kill::ask_to_end(reaper),
            Due::Nothing => {}
        }
        let next = ending.next();
        if armed != Some(next) {
            let at = Expiration::OneShot(TimeSpec::from_duration(Duration::from_nanos(next.0.max(1))));
            slot.timer.set(at, TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
            armed = Some(next);
        }
        match slot.next_event()? {
            Event::Message(ToSlot::Kill { cause, grace_ns }, _) => {
                ending.ask(cause, Duration::from_nanos(grace_ns), BootTime::now());
            }
            Event::Message(ToSlot::Renew { limit_ns }, _) => ending.renew(BootTime(limit_ns)),
            // The daemon starts one job at a time; a second one here has no slot to run in.
            Event::Message(ToSlot::Start(_), _) => return Err(io::Error::other("a second job was sent")),
            Event::Orphaned => return Ok(Watched::Orphaned),
            Event::Look => {}
        }
    }
}
