//! The supervisor: one thread, forks the slots, ends whatever a dead slot leaves behind, and all of it when the daemon
//! goes away.
//!
//! It keeps a copy of each slot's socket. When a slot dies, its job's processes become the supervisor's children; it
//! kills them and only then says `Gone` on that socket and closes it. So the daemon sees the end of a slot's socket
//! when nothing of its job is left, not when the slot died.

use super::{
    cgroup::Yard,
    children::Children,
    decoy,
    kill::{UNKILLABLE_AFTER, signal},
    namespace::Origin,
    privacy::close_to_jobs,
    slot::{self, Above},
    sys::{self, Forked, PidFd, Waited},
    tier::Tier,
    wire::{Arrival, FromSlot, Grounds, ToSupervisor, buffer, receive_value, send_value},
};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl,
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
    unistd::setsid,
};
use std::{
    fs::OpenOptions,
    io,
    os::fd::{AsFd, OwnedFd},
    process::exit,
    time::{Duration, Instant},
};

/// Between two rounds over processes that have not ended yet.
const ROUND: Duration = Duration::from_millis(2);
/// As above, once they have shown that they do not end.
const SLOW_ROUND: Duration = Duration::from_millis(100);

struct Supervisor {
    /// This process, by which slots see whether it is still there.
    me: PidFd,
    origin: Origin,
    /// Lives as long as this process, and in the memory of the slots forked from it.
    yard: &'static Yard,
    grounds: &'static Grounds,
    /// Slots opened so far.
    opened: u32,
    daemon: Option<OwnedFd>,
    /// What the daemon locked; free when daemon, this process and all slots have ended.
    lock: Option<OwnedFd>,
    signals: SignalFd,
    children: Children,
    slots: Vec<(i32, OwnedFd)>,
    /// Sockets of slots that died, until what they left is gone.
    dead: Vec<(Instant, OwnedFd)>,
    /// When the slots are killed, should they not have ended by themselves; set with the daemon's end.
    kill_slots_at: Option<Instant>,
}

/// What `dayfly supervisor` (hidden; started by a worker, with its socket on fd 3) runs. Never returns.
pub fn supervisor_main() -> ! {
    if std::env::args_os().nth(2).is_some_and(|argument| argument == decoy::ARGUMENT) {
        decoy::main();
    }
    // A panic must not unwind from a forked slot into the supervisor's frames.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        report(info);
        std::process::abort();
    }));
    match Supervisor::new() {
        Ok(supervisor) => supervisor.run(),
        Err(error) => {
            eprintln!("dayfly supervisor: {error} (it is started by `dayfly worker`, never by hand)");
            exit(2)
        }
    }
}

impl Supervisor {
    fn new() -> io::Result<Self> {
        let daemon = sys::inherited_socket().ok_or(io::Error::other("there is no socket on fd 3"))?;
        sys::default_signals();
        SigSet::all().thread_block()?;
        // Fails only for a process group leader, which is then no worse off.
        let _ = setsid();
        prctl::set_child_subreaper(true)?;
        prctl::set_name(c"dayfly-super")?;
        close_to_jobs()?;
        sys::close_from(4);
        quiet()?;
        // Not allowed everywhere; then it is only slower in a storm of forks.
        let _ = sys::realtime();
        let yard = Box::leak(Box::new(Yard::make()));
        let grounds = Grounds { holders: yard.holders(), swept: yard.sweep_others() };
        let mut watched = SigSet::empty();
        watched.add(Signal::SIGCHLD);
        Ok(Self {
            me: PidFd::open(std::process::id().cast_signed())?,
            origin: Origin::here(),
            yard,
            grounds: Box::leak(Box::new(grounds)),
            opened: 0,
            daemon: Some(sys::place(daemon, 3)?),
            lock: None,
            signals: SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?,
            children: Children::open(),
            slots: Vec::new(),
            dead: Vec::new(),
            kill_slots_at: None,
        })
    }

    fn run(mut self) -> ! {
        let mut message = buffer();
        loop {
            let pause = self.reap();
            self.wait(pause);
            while matches!(self.signals.read_signal(), Ok(Some(_))) {}
            let Some(daemon) = &self.daemon else { continue };
            match receive_value::<ToSupervisor>(daemon.as_fd(), &mut message) {
                Ok(Arrival::Value(ToSupervisor::OpenSlot(tier), fds, _)) => {
                    if let Some(link) = fds.into_iter().next() {
                        self.open_slot(link, tier);
                    }
                }
                Ok(Arrival::Value(ToSupervisor::Hold, fds, _)) => self.lock = fds.into_iter().next(),
                Ok(Arrival::Nothing) => {}
                // The slots see the end of their own sockets and end by themselves, sooner than from here.
                Ok(Arrival::End) | Err(_) => {
                    self.daemon = None;
                    self.kill_slots_at = Some(Instant::now() + UNKILLABLE_AFTER + Duration::from_secs(1));
                }
            }
        }
    }

    fn wait(&self, pause: Option<Duration>) {
        let timeout = pause.map_or(PollTimeout::NONE, |pause| PollTimeout::try_from(pause).unwrap_or(PollTimeout::MAX));
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.daemon.as_ref().map(|daemon| PollFd::new(daemon.as_fd(), PollFlags::POLLIN)));
        // EINTR and the like: the round is simply made again.
        let _ = poll(&mut fds, timeout);
    }

    fn open_slot(&mut self, link: OwnedFd, tier: Tier) {
        let forked = match tier {
            Tier::Pidns => sys::fork_into(self.origin.clone_flags()),
            Tier::Tree => sys::fork(),
        };
        match forked {
            Ok(Forked::Child) => slot::main(
                link,
                Above {
                    supervisor: &self.me,
                    lock: self.lock.as_ref().map(AsFd::as_fd),
                    origin: self.origin,
                    yard: self.yard,
                    grounds: self.grounds,
                    number: self.opened,
                    tier,
                },
            ),
            Ok(Forked::Parent(pid)) => {
                self.slots.push((pid, link));
                self.opened += 1;
            }
            Err(error) => {
                let _ = send_value(link.as_fd(), &FromSlot::Refused(error.to_string()), &[]);
            }
        }
    }

    /// Reaps, kills what is not a slot, reports; gives the time to the next round when there is something to wait for.
    fn reap(&mut self) -> Option<Duration> {
        loop {
            match sys::wait_any() {
                Ok(Waited::Ended { pid, .. }) => {
                    if let Some(at) = self.slots.iter().position(|(slot, _)| *slot == pid) {
                        let (_, link) = self.slots.swap_remove(at);
                        self.dead.push((Instant::now(), link));
                    }
                }
                Ok(Waited::NoChild) if self.daemon.is_none() => {
                    self.yard.remove();
                    exit(0)
                }
                Ok(Waited::NoChild | Waited::Running) | Err(_) => break,
            }
        }
        let now = Instant::now();
        let strays = self.kill_strays();
        if let Some(at) = self.kill_slots_at {
            // One that was stopped cannot see that its daemon has gone: it goes on, and ends its job while the lease still holds.
            let what = if now >= at { Signal::SIGKILL } else { Signal::SIGCONT };
            self.slots.iter().for_each(|(slot, _)| signal(*slot, what));
        }
        self.report_dead(strays, now);
        if strays {
            let stuck = self.dead.is_empty();
            return Some(if stuck { SLOW_ROUND } else { ROUND });
        }
        self.kill_slots_at.map(|_| SLOW_ROUND)
    }

    /// Whether there was any. Nothing leaves the list while it is read, since only this process reaps its children;
    /// and what comes into it meanwhile comes from a parent that was seen.
    fn kill_strays(&mut self) -> bool {
        let mut found = false;
        for child in self.children.now() {
            if !self.slots.iter().any(|(slot, _)| *slot == child) {
                signal(child, Signal::SIGKILL);
                found = true;
            }
        }
        found
    }

    fn report_dead(&mut self, strays: bool, now: Instant) {
        self.dead.retain(|(since, link)| {
            let unkillable = strays && now.duration_since(*since) >= UNKILLABLE_AFTER;
            if strays && !unkillable {
                return true;
            }
            // The daemon may be gone or its buffer full; the end of the socket tells it as much.
            let _ = send_value(link.as_fd(), &FromSlot::Gone { unkillable }, &[]);
            false
        });
    }
}

/// Standard input and output would keep the daemon's terminal or pipes open. Standard error stays for panics.
fn quiet() -> io::Result<()> {
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    Ok(())
}
