//! What all shapes are made of.

use std::{
    env, fs,
    path::Path,
    process::exit,
    sync::{
        OnceLock,
        atomic::{AtomicI32, Ordering},
    },
    time::{Duration, Instant},
};

/// A tree that nobody ends does so by itself: whatever a test does wrong, the machine is left alone.
const LIFETIME: Duration = Duration::from_secs(40);
/// As above for shapes that fork for ever, which are the ones that fill a machine.
const STORM_LIFETIME: Duration = Duration::from_secs(60);
/// Forks of one tree, all told.
const BUDGET: i32 = 100_000;

/// Whether [`ready`] was called by any process of the tree.
static STANDS: OnceLock<Counter> = OnceLock::new();
/// Forks of the tree so far.
static FORKS: OnceLock<Counter> = OnceLock::new();
/// Where [`ready`] is said.
static EVENTS: OnceLock<i32> = OnceLock::new();
/// When the leader began.
static BEGUN: OnceLock<Instant> = OnceLock::new();

/// To be called once, before anything is forked.
pub(crate) fn begin() {
    STANDS.get_or_init(Counter::new);
    FORKS.get_or_init(Counter::new);
    EVENTS.get_or_init(|| env::var("DAYFLY_EVENTS_FD").ok().and_then(|text| text.parse().ok()).unwrap_or(3));
    BEGUN.get_or_init(Instant::now);
    harden();
}

fn left_of(lifetime: Duration) -> Duration {
    BEGUN.get().map_or(Duration::ZERO, |begun| lifetime.saturating_sub(begun.elapsed()))
}

/// To be called before each fork of a storm: ends this process once the tree is too old or has forked too often.
pub(crate) fn keep_within_bounds() {
    if left_of(STORM_LIFETIME).is_zero() || FORKS.get().is_none_or(|forks| forks.add(1) > BUDGET) {
        leave(0)
    }
}

/// To be called now and then by what neither forks nor sleeps.
pub(crate) fn end_when_old() {
    if left_of(LIFETIME).is_zero() {
        leave(0)
    }
}

/// Ignores what can be ignored and outlives its parent.
pub(crate) fn harden() {
    // SAFETY: SIG_IGN installs no code; prctl takes numbers.
    unsafe {
        for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGPIPE, libc::SIGALRM] {
            libc::signal(signal, libc::SIG_IGN);
        }
        libc::prctl(libc::PR_SET_PDEATHSIG, 0 as libc::c_ulong);
    }
}

/// Runs `body` in a child, which then stays. Gives its pid. Where there may be no more processes, it waits until there may: of a
/// storm's own dead there can be as many as a user is allowed, until its slot has reaped them.
pub(crate) fn child(body: impl FnOnce()) -> i32 {
    loop {
        // SAFETY: shapes fork while they have one thread, or only make system calls afterwards.
        match unsafe { libc::fork() } {
            0 => {
                harden();
                body();
                stay()
            }
            -1 => {
                let error = std::io::Error::last_os_error();
                if error.raw_os_error() != Some(libc::EAGAIN) {
                    eprintln!("hostile: fork: {error}");
                    exit(3)
                }
                end_when_old();
                // SAFETY: takes a number.
                unsafe { libc::usleep(1000) };
            }
            pid => return pid,
        }
    }
}

/// A session of one's own.
pub(crate) fn setsid() {
    // SAFETY: takes nothing.
    unsafe { libc::setsid() };
}

/// Waits for a child of this process.
pub(crate) fn reap(pid: i32) {
    // SAFETY: the status may be null.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
}

/// Who has started a process, or has adopted it since. Zero when that cannot be seen.
pub(crate) fn parent_of(pid: i32) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

/// Sleeps for as long as a test may take, which is for ever to it.
pub(crate) fn stay() -> ! {
    loop {
        end_when_old();
        std::thread::sleep(left_of(LIFETIME));
    }
}

/// Ends this process without running anything.
pub(crate) fn leave(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

/// Says on the events' descriptor that the tree stands.
pub(crate) fn ready() {
    if let Some(stands) = STANDS.get() {
        stands.add(1);
    }
    tell(b"ready\n");
}

/// A line on the events' descriptor.
pub(crate) fn tell(line: &[u8]) {
    let events = EVENTS.get().copied().unwrap_or(3);
    // SAFETY: the buffer is as long as said. Unbuffered, so that a forked child says nothing twice.
    unsafe { libc::write(events, line.as_ptr().cast(), line.len()) };
}

/// The leader's last act: it stays, or ends as it was asked to.
pub(crate) fn leader_is_done() -> ! {
    if env::var_os("HOSTILE_LEADER").is_some_and(|what| what == "exit") {
        if let Some(stands) = STANDS.get() {
            stands.wait_for(1);
        }
        wait_for_go();
        leave(0)
    }
    stay()
}

/// Lets who started the tree look at it before it goes on.
pub(crate) fn wait_for_go() {
    let Some(go) = env::var_os("HOSTILE_GO") else { return };
    while !Path::new(&go).exists() {
        end_when_old();
        // SAFETY: takes a number.
        unsafe { libc::usleep(1000) };
    }
}

/// Counts processes of the tree that have got to a point, over process boundaries.
pub(crate) struct Counter(&'static AtomicI32);

impl Counter {
    /// At zero, shared with all processes forked from now on.
    pub(crate) fn new() -> Self {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a new anonymous page, zeroed, never unmapped.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), 4096, access, kind, -1, 0) };
        assert_ne!(page, libc::MAP_FAILED, "mmap");
        // SAFETY: the page is aligned, zeroed and lives as long as the process.
        Self(unsafe { &*page.cast::<AtomicI32>() })
    }

    /// One more.
    pub(crate) fn add(&self, number: i32) -> i32 {
        self.0.fetch_add(number, Ordering::SeqCst) + number
    }

    /// Waits until there are so many. Polls: this program is its own test's business.
    pub(crate) fn wait_for(&self, number: i32) {
        while self.0.load(Ordering::SeqCst) < number {
            end_when_old();
            // SAFETY: takes a number.
            unsafe { libc::usleep(200) };
        }
    }
}
