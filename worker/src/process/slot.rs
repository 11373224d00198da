//! A slot: one thread, one job at a time, and the whole process tree of that job.
//!
//! Its descriptors: 0 and 1 nothing, 2 the worker's standard error, 3 the socket to the daemon, and its own from 4 up,
//! all close-on-exec. Every signal is blocked: SIGCHLD and the supervisor's death arrive by `signalfd`.

use super::{
    BootTime,
    cgroup::Yard,
    children::Children,
    job,
    kill::{self, Pace, Reach, UNKILLABLE_AFTER},
    namespace::Origin,
    reaper::Reaper,
    sys::{self, PidFd, SpawnArea, Waited},
    tier::Tier,
    warm::Hosts,
    wire::{Arrival, FromSlot, Grounds, ToSlot, buffer, receive_value, send_value, send_value_as},
};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl,
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
        time::TimeSpec,
        timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    },
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::exit,
    time::{Duration, Instant},
};

/// What a slot works with, from one job to the next.
#[derive(Debug)]
pub(super) struct Slot {
    link: OwnedFd,
    pub(super) tools: Tools,
    message: Vec<u8>,
}

/// A slot's own descriptors and memory.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) timer: TimerFd,
    pub(super) reach: Reach,
    pub(super) hosts: Hosts,
    pub(super) area: SpawnArea,
    pub(super) yard: &'static Yard,
    /// Counts the supervisor's slots.
    pub(super) number: u32,
    /// The kernel counts this slot's processes apart from all others of their user.
    pub(super) counted_apart: bool,
    signals: SignalFd,
}

/// What woke a slot.
#[derive(Debug)]
pub(super) enum Event {
    /// A message, with its descriptors.
    Message(ToSlot, Vec<OwnedFd>),
    /// The daemon or the supervisor is gone: whatever runs must be killed at once.
    Orphaned,
    /// A child has ended, the timer has fired, or nothing at all: look at everything.
    Look,
}

/// What a slot is forked with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Above<'fork> {
    /// The supervisor.
    pub(super) supervisor: &'fork PidFd,
    /// To be held as long as this process lives.
    pub(super) lock: Option<BorrowedFd<'fork>>,
    /// Who the supervisor runs as.
    pub(super) origin: Origin,
    /// Where its jobs' control groups can be made.
    pub(super) yard: &'static Yard,
    /// What the daemon is to know of this host.
    pub(super) grounds: &'static Grounds,
    /// Which of the supervisor's slots this is.
    pub(super) number: u32,
    /// Where the slot was forked into.
    pub(super) tier: Tier,
}

/// Runs a slot in a process freshly forked by the supervisor. Never returns.
pub(super) fn main(link: OwnedFd, above: Above<'_>) -> ! {
    let ended = sys::place(link, 3).and_then(|link| match Tools::new(above) {
        Ok(tools) => Slot { link, tools, message: buffer() }.serve(above.grounds),
        Err(error) => send_value(link.as_fd(), &FromSlot::Refused(error.to_string()), &[]),
    });
    if let Err(error) = ended {
        eprintln!("dayfly slot: {error}");
        exit(1)
    }
    exit(0)
}

impl Tools {
    /// Settles this process as a slot: from here on it ends with the supervisor, and owns all that will be below it.
    fn new(above: Above<'_>) -> io::Result<Self> {
        prctl::set_name(c"dayfly-slot")?;
        prctl::set_pdeathsig(match above.tier {
            // To be blocked and read; it leaves time to end the tree.
            Tier::Tree => Signal::SIGUSR1,
            // The kernel ends the whole namespace.
            Tier::Pidns => Signal::SIGKILL,
        })?;
        if above.supervisor.has_ended() {
            return Err(io::Error::other("the supervisor died"));
        }
        if above.tier == Tier::Tree {
            above.yard.enter();
        }
        match above.lock {
            // Never closed: it ends with the process.
            Some(lock) => {
                std::mem::forget(sys::place(lock.try_clone_to_owned()?, 4)?);
                sys::close_from(5);
            }
            None => sys::close_from(4),
        }
        prctl::set_child_subreaper(true)?;
        let reach = match above.tier {
            Tier::Tree => Reach::Children(Children::open()),
            Tier::Pidns => {
                above.origin.furnish()?;
                Reach::Namespace
            }
        };
        // Not allowed everywhere; then it is only slower in a storm of forks.
        let _ = sys::realtime();
        let mut watched = SigSet::empty();
        watched.add(Signal::SIGCHLD);
        match above.tier {
            Tier::Tree => watched.add(Signal::SIGUSR1),
            // Nobody but the job could send it; it stays blocked, and with that without effect.
            Tier::Pidns => {}
        }
        Ok(Self {
            timer: TimerFd::new(ClockId::CLOCK_BOOTTIME, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?,
            reach,
            hosts: Hosts::none(),
            area: SpawnArea::map()?,
            yard: above.yard,
            number: above.number,
            counted_apart: above.tier == Tier::Pidns && above.origin.is_ordinary(),
            signals: SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?,
        })
    }

    /// Makes the timer wake the slot at this time, and at no other.
    pub(super) fn wake_at(&self, time: BootTime) -> io::Result<()> {
        let at = Expiration::OneShot(TimeSpec::from_duration(Duration::from_nanos(time.0.max(1))));
        Ok(self.timer.set(at, TimerSetTimeFlags::TFD_TIMER_ABSTIME)?)
    }
}

impl Slot {
    /// One job after another, until there is no daemon or no supervisor, or a job has left something unkillable.
    fn serve(&mut self, grounds: &Grounds) -> io::Result<()> {
        self.say(&FromSlot::Hello(grounds.clone()))?;
        let served = self.serve_jobs();
        if !self.tools.hosts.is_empty() {
            // They see that nobody listens to them any more, but one that loads not before it has loaded.
            let Tools { hosts, reach, .. } = &mut self.tools;
            kill::until_empty(&mut Reaper::awaiting(Instant::now()), hosts, reach, None, UNKILLABLE_AFTER, Pace::Hurry);
        }
        served
    }

    fn serve_jobs(&mut self) -> io::Result<()> {
        loop {
            Hosts::bring_back(&mut self.tools);
            if let Some(due) = self.tools.hosts.due() {
                self.tools.wake_at(due)?;
            }
            match self.next_event()? {
                Event::Message(ToSlot::Start(start), fds) => {
                    if job::run(self, &start, fds)? == job::After::Retire {
                        return Ok(());
                    }
                }
                // Meant for a job that has ended in the meantime.
                Event::Message(ToSlot::Kill { .. } | ToSlot::Renew { .. } | ToSlot::Shorten { .. }, _) => {}
                Event::Orphaned => return Ok(()),
                Event::Look => {
                    self.tools.hosts.listen();
                    while let Ok(Waited::Ended { pid, .. }) = sys::wait_any() {
                        self.tools.hosts.buried(pid);
                    }
                }
            }
        }
    }

    /// Tells the daemon.
    pub(super) fn say(&self, what: &FromSlot) -> io::Result<()> {
        send_value(self.link.as_fd(), what, &[])
    }

    /// Tells the daemon that the leader runs.
    pub(super) fn say_started(&self, pid: i32) -> io::Result<()> {
        self.say_of(&FromSlot::Started { pid }, pid)
    }

    /// Tells the daemon that the leader is this process from now on.
    pub(super) fn say_leads(&self, pid: i32) -> io::Result<()> {
        self.say_of(&FromSlot::Leads { pid }, pid)
    }

    /// Tells something about a process, in whose name it is sent where its pid means something else to the daemon.
    fn say_of(&self, what: &FromSlot, pid: i32) -> io::Result<()> {
        match self.tools.reach {
            Reach::Children(_) => self.say(what),
            Reach::Namespace => send_value_as(self.link.as_fd(), what, pid),
        }
    }

    /// Waits for the next event.
    pub(super) fn next_event(&mut self) -> io::Result<Event> {
        let own = [self.link.as_fd(), self.tools.signals.as_fd(), self.tools.timer.as_fd()];
        let all = own.into_iter().chain(self.tools.hosts.sockets());
        let mut fds: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // EINTR and the like: everything is looked at again.
        let _ = poll(&mut fds, PollTimeout::NONE);
        let ready = |at: usize| fds.get(at).is_some_and(|fd| fd.any().unwrap_or(true));
        let (spoken, signalled, timed) = (ready(0), ready(1), ready(2));
        if timed {
            // Only to make it silent again; it never blocks.
            let _ = self.tools.timer.wait();
        }
        if signalled {
            while let Ok(Some(signal)) = self.tools.signals.read_signal() {
                if signal.ssi_signo == Signal::SIGUSR1 as u32 {
                    return Ok(Event::Orphaned);
                }
            }
        }
        if !spoken {
            return Ok(Event::Look);
        }
        match receive_value(self.link.as_fd(), &mut self.message)? {
            Arrival::Value(message, fds, _) => Ok(Event::Message(message, fds)),
            Arrival::Nothing => Ok(Event::Look),
            Arrival::End => Ok(Event::Orphaned),
        }
    }
}
