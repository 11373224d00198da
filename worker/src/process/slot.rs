//! A slot: one thread, one job at a time, and the whole process tree of that job.
//!
//! Its descriptors: 0 and 1 nothing, 2 the worker's standard error, 3 the socket to the daemon, and its own from 4 up,
//! all close-on-exec. Every signal is blocked: SIGCHLD and the supervisor's death arrive by `signalfd`.

use super::{
    children::Children,
    job,
    sys::{self, SpawnArea, Waited},
    wire::{Arrival, FromSlot, ToSlot, buffer, receive_value, send_value},
};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl,
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
        timerfd::{ClockId, TimerFd, TimerFlags},
    },
    unistd::getppid,
};
use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    process::exit,
};

/// What a slot works with, from one job to the next.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) link: OwnedFd,
    pub(super) timer: TimerFd,
    pub(super) children: Children,
    pub(super) area: SpawnArea,
    signals: SignalFd,
    message: Vec<u8>,
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

/// Runs a slot in a process freshly forked by the supervisor `supervisor`. Never returns.
pub(super) fn main(link: OwnedFd, supervisor: u32) -> ! {
    let ended = Slot::new(link, supervisor).and_then(|mut slot| slot.serve());
    if let Err(error) = ended {
        eprintln!("dayfly slot: {error}");
        exit(1)
    }
    exit(0)
}

impl Slot {
    fn new(link: OwnedFd, supervisor: u32) -> io::Result<Self> {
        let link = sys::place(link, 3)?;
        sys::close_from(4);
        prctl::set_child_subreaper(true)?;
        prctl::set_name(c"dayfly-slot")?;
        prctl::set_pdeathsig(Signal::SIGUSR1)?;
        if u32::try_from(getppid().as_raw()) != Ok(supervisor) {
            return Err(io::Error::other("the supervisor died"));
        }
        let mut watched = SigSet::empty();
        watched.add(Signal::SIGCHLD);
        watched.add(Signal::SIGUSR1);
        Ok(Self {
            link,
            timer: TimerFd::new(ClockId::CLOCK_BOOTTIME, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?,
            children: Children::open(),
            area: SpawnArea::map()?,
            signals: SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?,
            message: buffer(),
        })
    }

    /// One job after another, until there is no daemon or no supervisor, or a job has left something unkillable.
    fn serve(&mut self) -> io::Result<()> {
        self.say(&FromSlot::Hello)?;
        loop {
            match self.next_event()? {
                Event::Message(ToSlot::Start(start), fds) => {
                    if job::run(self, &start, fds)? == job::After::Retire {
                        return Ok(());
                    }
                }
                // Meant for a job that has ended in the meantime.
                Event::Message(ToSlot::Kill { .. } | ToSlot::Renew { .. }, _) => {}
                Event::Orphaned => return Ok(()),
                Event::Look => while matches!(sys::wait_any(), Ok(Waited::Ended { .. })) {},
            }
        }
    }

    /// Tells the daemon.
    pub(super) fn say(&self, what: &FromSlot) -> io::Result<()> {
        send_value(self.link.as_fd(), what, &[])
    }

    /// Waits for the next event.
    pub(super) fn next_event(&mut self) -> io::Result<Event> {
        let mut fds = [
            PollFd::new(self.link.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.timer.as_fd(), PollFlags::POLLIN),
        ];
        // EINTR and the like: everything is looked at again.
        let _ = poll(&mut fds, PollTimeout::NONE);
        let [spoken, signalled, timed] = fds.map(|fd| fd.any().unwrap_or(true));
        if timed {
            // Only to make it silent again; it never blocks.
            let _ = self.timer.wait();
        }
        if signalled {
            while let Ok(Some(signal)) = self.signals.read_signal() {
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
