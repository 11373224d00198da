//! One job in its slot: start the leader, keep its times and limits, end its tree, report.

use super::{
    BootTime, LimitHit,
    cgroup::Cage,
    clock::{Lease, nanos},
    ending::{Due, Ending},
    gauge::Gauge,
    kill::{self, Pace, UNKILLABLE_AFTER},
    launch_plan,
    limits::Bounds,
    reaper::{Reaper, Tree},
    refusal::Refusal,
    remains,
    slot::{Event, Slot},
    warm::{Hosts, Lent, Step},
    wire::{FromSlot, JobEnd, Start, ToSlot},
};
use dayfly_common::model::KilledBy;
use std::{
    io,
    os::fd::OwnedFd,
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

/// Why watching a job is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watched {
    /// The leader has ended, or it is time to kill.
    Over,
    /// Daemon or supervisor are gone: kill at once, then end.
    Orphaned,
}

#[derive(Debug)]
struct Job {
    bounds: Bounds,
    grace: Duration,
    patience: Duration,
    reaper: Reaper,
    /// The pid that stands for it at first.
    shown: i32,
    ending: Ending,
    cage: Option<Cage>,
    gauge: Option<Gauge>,
    next_look: BootTime,
    limit: Option<LimitHit>,
    lent: Option<Lent>,
}

/// Runs one job to its end and reports it. Nothing of it is left, unless the report says so.
pub(super) fn run(slot: &mut Slot, start: &Start, fds: Vec<OwnedFd>) -> io::Result<After> {
    let lease = Lease { limit: BootTime(start.lease_limit_ns), ttl: Duration::from_nanos(start.lease_ttl_ns) };
    if !lease.may_start(BootTime::now()) {
        return slot.say(&FromSlot::LeaseTooShort).map(|()| After::Idle);
    }
    let mut job = match Job::launch(slot, start, fds, lease) {
        Ok(job) => job,
        Err(refusal) => return slot.say(&FromSlot::NotStarted(refusal)).map(|()| After::Idle),
    };
    let watched = slot.say_started(job.shown).and_then(|()| job.watch(slot, start)).unwrap_or(Watched::Orphaned);
    let tree = job.end(slot);
    job.settle(slot, tree);
    if watched == Watched::Orphaned {
        // It was killed for what befell its parents, and has no end of its own: a daemon that lives sees the socket close
        // and counts the attempt as lost, not as one that died of a signal.
        return Ok(After::Retire);
    }
    let told = slot.say(&FromSlot::Ended(job.report(tree)));
    Ok(if tree == Tree::Alive || told.is_err() { After::Retire } else { After::Idle })
}

impl Job {
    fn launch(slot: &mut Slot, start: &Start, fds: Vec<OwnedFd>, lease: Lease) -> Result<Self, Refusal> {
        let tools = &mut slot.tools;
        let cage = start.bounds.cage(tools.yard, tools.number).map_err(|error| Refusal::at("its limits", &error))?;
        let started = Instant::now();
        let deadline = BootTime::now().after(Duration::from_nanos(start.timeout_ns));
        let (reaper, shown, lent) = match &start.warmth {
            None => {
                let leader = launch_plan::launch(tools, start, fds, cage.as_ref())?;
                (Reaper::new(leader, started), leader, None)
            }
            Some(warmth) => {
                let rules = launch_plan::rules(start)?;
                let (lent, host) = Hosts::lend(tools, start, fds, rules, warmth)?;
                (Reaper::awaiting(started), host, Some(lent))
            }
        };
        let grace = Duration::from_nanos(start.grace_ns);
        Ok(Self {
            bounds: start.bounds,
            grace,
            patience: Duration::from_nanos(start.patience_ns),
            reaper,
            shown,
            lent,
            ending: Ending::new(lease, deadline, grace),
            gauge: Gauge::new(&start.bounds, cage.as_ref(), tools.counted_apart),
            cage,
            next_look: BootTime(0),
            limit: None,
        })
    }

    /// Until the leader has ended or SIGKILL is due.
    fn watch(&mut self, slot: &mut Slot, start: &Start) -> io::Result<Watched> {
        let mut armed = None;
        loop {
            let tree = self.reaper.drain(&mut slot.tools.hosts);
            self.step(slot, start)?;
            if self.reaper.is_over() || (tree == Tree::Empty && self.reaper.pid().is_some()) {
                return Ok(Watched::Over);
            }
            self.look(slot);
            match self.ending.due(BootTime::now()) {
                Due::Kill => return Ok(Watched::Over),
                // A host that loads knows nothing of its job and has nothing to tidy up.
                Due::Term if self.reaper.pid().is_none() => return Ok(Watched::Over),
                Due::Term => kill::ask_to_end(&self.reaper),
                Due::Nothing => {}
            }
            let mut next = self.ending.next();
            if self.gauge.is_some() {
                next = next.min(self.next_look);
            }
            if armed != Some(next) {
                slot.tools.wake_at(next)?;
                armed = Some(next);
            }
            match slot.next_event()? {
                Event::Message(ToSlot::Kill { cause, grace_ns }, _) => {
                    self.ending.ask(cause, Duration::from_nanos(grace_ns), BootTime::now());
                }
                Event::Message(ToSlot::Renew { limit_ns }, _) => self.ending.renew(BootTime(limit_ns)),
                Event::Message(ToSlot::Shorten { limit_ns }, _) => self.ending.shorten(BootTime(limit_ns)),
                // The daemon starts one job at a time; a second one here has no slot to run in.
                Event::Message(ToSlot::Start(_), _) => return Err(io::Error::other("a second job was sent")),
                Event::Orphaned => return Ok(Watched::Orphaned),
                Event::Look => {}
            }
        }
    }

    /// The part of a warm host in it.
    fn step(&mut self, slot: &mut Slot, start: &Start) -> io::Result<()> {
        let Some(lent) = &mut self.lent else { return Ok(()) };
        match lent.step(&mut slot.tools, start, self.cage.as_ref()) {
            Step::Nothing => Ok(()),
            Step::Begun(pid) => {
                self.reaper.begun(pid);
                slot.say_leads(pid)
            }
            Step::Ended(status) => {
                self.reaper.ended(status);
                Ok(())
            }
            Step::Another(host) => slot.say_leads(host),
            Step::NeverBegun => {
                self.reaper.never_begun();
                Ok(())
            }
        }
    }

    /// Has a warm host reap its child when that is all that is left.
    fn settle(&mut self, slot: &mut Slot, tree: Tree) {
        if let Some(lent) = &self.lent
            && tree == Tree::Empty
            && let Some(spent) = lent.settle(&mut slot.tools.hosts)
        {
            self.reaper.add(spent);
        }
    }

    /// Reads the gauge when it is time to.
    fn look(&mut self, slot: &mut Slot) {
        let now = BootTime::now();
        let Some(gauge) = self.gauge.as_ref().filter(|_| now >= self.next_look) else { return };
        let others = slot.tools.hosts.own_pids(self.reaper.pid());
        match gauge.look(&self.reaper, &mut slot.tools.reach, &others, self.cage.as_ref()) {
            Ok(again) => self.next_look = now.after(again),
            Err(limit) => {
                let grace = match limit {
                    LimitHit::CpuTime => self.grace,
                    // Waiting would let it take more.
                    LimitHit::Memory | LimitHit::Processes | LimitHit::FileSize => Duration::ZERO,
                };
                self.limit = Some(limit);
                self.gauge = None;
                self.ending.ask(KilledBy::Limit, grace, now);
            }
        }
    }

    /// Kills what is left. Nothing is the usual case: the leader has ended and was alone.
    fn end(&mut self, slot: &mut Slot) -> Tree {
        if self.reaper.drain(&mut slot.tools.hosts) == Tree::Empty {
            return Tree::Empty;
        }
        self.ending.signalled();
        let mut kill = |slot: &mut Slot, bound, pace| {
            let tools = &mut slot.tools;
            kill::until_empty(&mut self.reaper, &mut tools.hosts, &mut tools.reach, self.cage.as_ref(), bound, pace)
        };
        if kill(slot, UNKILLABLE_AFTER, Pace::Hurry) == Tree::Empty {
            return Tree::Empty;
        }
        // It hangs in the kernel (a disk, a network file system) and may come out of there: while it is there the job has
        // not ended. Nobody to tell is no reason to stop.
        let remains = remains::described(&slot.tools.reach.tree());
        let _ = slot.say(&FromSlot::Stuck { remains });
        kill(slot, self.patience, Pace::Wait)
    }

    fn report(&self, tree: Tree) -> JobEnd {
        let spent = self.reaper.spent();
        let limit = match self.ending.cause() {
            Some(KilledBy::Limit) => self.limit,
            Some(KilledBy::Deadline | KilledBy::Cancel | KilledBy::Lease | KilledBy::Drain) => None,
            None => self.limit_by_kernel(),
        };
        JobEnd {
            status: self.reaper.status(),
            killed_by: self.ending.cause().or(limit.map(|_| KilledBy::Limit)),
            limit,
            kill_ns: self.ending.kill_time().map(nanos),
            wall_ns: nanos(self.reaper.started().elapsed()),
            cpu_ns: nanos(spent.cpu),
            max_rss: spent.max_rss,
            voluntary_switches: spent.voluntary_switches,
            involuntary_switches: spent.involuntary_switches,
            unkillable: tree == Tree::Alive,
        }
    }

    /// A limit that the kernel itself enforced, by the evidence it leaves.
    fn limit_by_kernel(&self) -> Option<LimitHit> {
        if self.cage.as_ref().is_some_and(|cage| cage.oom_kills() > 0) {
            return Some(LimitHit::Memory);
        }
        let signal = self.reaper.status()? & 0x7f;
        let cpu_spent = self.bounds.cpu_time_ms.is_some_and(|ms| self.reaper.spent().cpu >= Duration::from_millis(ms));
        match signal {
            libc::SIGXFSZ if self.bounds.fsize.is_some() => Some(LimitHit::FileSize),
            libc::SIGXCPU | libc::SIGKILL if cpu_spent => Some(LimitHit::CpuTime),
            _ => None,
        }
    }
}
