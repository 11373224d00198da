//! Warm hosts of a slot: processes that have loaded a task's code and make a child of their own for each job.
//!
//! What makes a cold job's end certain (`wait4` answers ECHILD) cannot be had while a host lives. In its place stands what
//! the kernel lists: the slot's children are its hosts and nobody else, and each host's children are those it should have.
//! Whoever is left of a job is in one of the two lists, or below somebody who is: the job's orphans come to the slot (a host
//! is no subreaper), those made with CLONE_PARENT are the host's own, and neither leaves its list before it is reaped, which
//! only slot and host could do. Anything else found there, and everything is killed, hosts included, until ECHILD.

mod again;
mod host;
mod place;
mod wire;

use self::{again::is_of, host::Host, wire::JobOfHost};
use super::{
    cgroup::Cage,
    children::{self, Children},
    refusal::Refusal,
    slot::Tools,
    sys::Spent,
    wire::{Start, Warmth},
};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

/// Hosts of one slot; the one that was used least recently goes for another.
const MOST: usize = 4;
/// A host has this long to reap a child that has ended.
const REAPING: Duration = Duration::from_secs(1);
const ROUND: Duration = Duration::from_millis(100);

/// All hosts of a slot.
#[derive(Debug)]
pub(super) struct Hosts {
    all: Vec<Host>,
    /// Killed ones and their children, until they are reaped.
    dying: Vec<i32>,
    list: Children,
    turns: u64,
    /// What started those that are to be there again: see [`again`].
    lost: Vec<Start>,
}

/// A job that is given to a host, or waits to be.
#[derive(Debug)]
pub(super) struct Lent {
    warmth: Warmth,
    /// The child that has it.
    leader: Option<i32>,
    /// What the child is to have, until it has it.
    waits: Option<Waiting>,
    /// The host was started for this job: that it ends without having run one lies in the task.
    fresh: bool,
}

#[derive(Debug)]
struct Waiting {
    fds: Vec<OwnedFd>,
    rules: Option<OwnedFd>,
}

/// What has become of a job that was given to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The host is still loading, or nothing has changed.
    Nothing,
    /// This child runs it now.
    Begun(i32),
    /// The child has ended with this wait status.
    Ended(i32),
    /// The host has ended without having made a child; this one is to do it.
    Another(i32),
    /// The host has ended while it loaded.
    NeverBegun,
}

impl Hosts {
    /// None yet. To be called by the slot itself, for its list of children.
    pub(super) fn none() -> Self {
        Self { all: Vec::new(), dying: Vec::new(), list: Children::open(), turns: 0, lost: Vec::new() }
    }

    /// What a slot polls.
    pub(super) fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.all.iter().filter(|host| !host.closed).map(Host::socket)
    }

    /// Takes in what all have said, and ends those that have closed.
    pub(super) fn listen(&mut self) {
        self.all.iter_mut().for_each(Host::listen);
        for host in self.end_those(|host| host.closed) {
            self.miss(&host);
        }
    }

    /// Processes that belong to no job.
    pub(super) fn own_pids(&self, leader: Option<i32>) -> Vec<i32> {
        let own = self.all.iter().flat_map(|host| [Some(host.pid), host.spare]).flatten();
        own.chain(self.dying.iter().copied()).filter(|pid| Some(*pid) != leader).collect()
    }

    /// Whether the reaped process was one of ours; it is forgotten.
    pub(super) fn buried(&mut self, pid: i32) -> bool {
        for host in &mut self.all {
            if host.spare == Some(pid) {
                // Its host is dead, too, and has not been reaped yet.
                host.spare = None;
                return true;
            }
        }
        if let Some(at) = self.all.iter().position(|host| host.pid == pid) {
            let host = self.all.swap_remove(at);
            host.kill_spare();
            self.miss(&host);
            self.dying.extend(host.spare);
            return true;
        }
        let known = self.dying.len();
        self.dying.retain(|dying| *dying != pid);
        self.dying.len() < known
    }

    /// Whether nothing of a job is left, whose leader was `leader`: see the module's head.
    pub(super) fn alone(&mut self, leader: Option<i32>) -> bool {
        if self.all.is_empty() {
            return false;
        }
        self.listen();
        // The hosts' lists first: whoever leaves them when a host dies comes to the slot's. One that loads has made no child
        // for any job yet; what it starts for itself until then is no job's.
        let as_it_should_be =
            self.all.iter().filter(|host| host.loaded).all(|host| {
                host.children().into_iter().all(|child| Some(child) == host.spare || Some(child) == leader)
            });
        let Self { all, dying, list, .. } = self;
        as_it_should_be
            && list.exact().is_some_and(|children| {
                children.iter().all(|child| dying.contains(child) || all.iter().any(|host| host.pid == *child))
            })
    }

    /// The host of a job's task, started if there is none.
    pub(super) fn lend(
        tools: &mut Tools,
        start: &Start,
        fds: Vec<OwnedFd>,
        rules: Option<OwnedFd>,
        warmth: &Warmth,
    ) -> Result<(Lent, i32), Refusal> {
        tools.hosts.listen();
        let found = tools.hosts.all.iter().position(|host| host.key == warmth.key);
        let fresh = found.is_none();
        let at = match found {
            Some(at) => at,
            None => Self::start(tools, start, warmth)?,
        };
        tools.hosts.turns += 1;
        let turn = tools.hosts.turns;
        let host = tools.hosts.all.get_mut(at).ok_or_else(|| "its warm host went away".to_owned())?;
        host.turn = turn;
        host.jobs += 1;
        host.start = start.clone();
        (host.ended, host.used, host.load_by) = (None, None, None);
        let pid = host.pid;
        Ok((Lent { warmth: warmth.clone(), leader: None, waits: Some(Waiting { fds, rules }), fresh }, pid))
    }

    /// A new host, and its place.
    fn start(tools: &mut Tools, start: &Start, warmth: &Warmth) -> Result<usize, Refusal> {
        tools.hosts.make_room();
        tools.hosts.lost.retain(|lost| !is_of(lost, &warmth.key));
        let host = Host::start(tools, start, &warmth.key, &warmth.dir)?;
        tools.hosts.all.push(host);
        Ok(tools.hosts.all.len() - 1)
    }

    fn make_room(&mut self) {
        while self.all.len() >= MOST {
            let Some(oldest) = self.all.iter().map(|host| host.turn).min() else { return };
            self.end_those(|host| host.turn == oldest);
        }
    }

    /// Kills some, to be reaped like anything else, and gives what they were.
    fn end_those(&mut self, which: impl Fn(&Host) -> bool) -> Vec<Host> {
        let (ending, staying) = std::mem::take(&mut self.all).into_iter().partition(which);
        self.all = staying;
        for host in &ending {
            host.kill();
            self.dying.push(host.pid);
            self.dying.extend(host.spare);
        }
        ending
    }

    fn of(&mut self, key: &str) -> Option<&mut Host> {
        self.all.iter_mut().find(|host| host.key == key)
    }
}

impl Lent {
    /// Looks at what the host has said, and gives it the job when a child is ready.
    pub(super) fn step(&mut self, tools: &mut Tools, start: &Start, cage: Option<&Cage>) -> Step {
        tools.hosts.listen();
        let number = tools.number;
        let apart = tools.counted_apart;
        if tools.hosts.of(&self.warmth.key).is_none() && self.waits() {
            return self.try_another(tools, start);
        }
        let Some(host) = tools.hosts.of(&self.warmth.key) else { return Step::Nothing };
        let Some(waiting) = &self.waits else {
            let Some(status) = host.ended.take() else { return Step::Nothing };
            if self.leader.is_some_and(children::has_ended) {
                return Step::Ended(status);
            }
            // It is wrong, or no longer itself. Without it the job's end is the slot's to see.
            host.closed = true;
            tools.hosts.listen();
            return Step::Nothing;
        };
        let Some(spare) = host.spare else { return Step::Nothing };
        let job = JobOfHost { env: &start.env, dir: &start.dir, sandbox: waiting.rules.is_some() };
        let mut fds: Vec<BorrowedFd<'_>> = waiting.fds.iter().map(AsFd::as_fd).collect();
        fds.extend(waiting.rules.as_ref().map(AsFd::as_fd));
        let placed = place::put(spare, &start.bounds, cage, number, apart);
        if let Err(error) = placed.and_then(|()| host.hand_over(&job, &fds)) {
            eprintln!("dayfly slot: a job could not be given to its warm host: {error}");
            host.closed = true;
            tools.hosts.listen();
            return Step::Nothing;
        }
        host.spare = None;
        self.waits = None;
        self.leader = Some(spare);
        Step::Begun(spare)
    }

    /// In place of a host that ended before it could make a child: by the end of the job before, or because its code had changed.
    fn try_another(&mut self, tools: &mut Tools, start: &Start) -> Step {
        if self.fresh {
            return Step::NeverBegun;
        }
        self.fresh = true;
        match Hosts::start(tools, start, &self.warmth) {
            Ok(at) => tools.hosts.all.get(at).map_or(Step::NeverBegun, |host| Step::Another(host.pid)),
            Err(refusal) => {
                eprintln!("dayfly slot: a warm host could not be started: {}", refusal.why);
                Step::NeverBegun
            }
        }
    }

    fn waits(&self) -> bool {
        self.waits.is_some()
    }

    /// After a clean end: has the child reaped. What it used, unless the host did not say so in time.
    pub(super) fn settle(&self, hosts: &mut Hosts) -> Option<Spent> {
        let host = hosts.of(&self.warmth.key)?;
        let mut used = None;
        if host.ask_next().is_ok() {
            let give_up = Instant::now() + REAPING;
            while !host.closed && Instant::now() < give_up {
                host.listen();
                used = host.used.take();
                if used.is_some() {
                    break;
                }
                host.wait(ROUND);
            }
        }
        let grown = self.warmth.max_memory.is_some_and(|most| host.memory().is_some_and(|now| now > most));
        if used.is_none() || grown || host.jobs >= self.warmth.max_jobs {
            host.closed = true;
        }
        hosts.listen();
        used
    }
}
