//! Shapes that signal the processes above them: all that can be caught, then SIGKILL, again and again.
//!
//! Slot, supervisor, daemon and the host of a warm job are meant and nobody else: each must have its name or its place, and is held by a descriptor,
//! so that these programs do nothing when they are started by hand and never hit a number that was used again. In a pid
//! namespace they see their slot, as its init, and nobody above.

use crate::process::{Counter, child, end_when_old, parent_of, ready, setsid, tell, wait_for_go};
use std::{env, fs, process::exit};

/// Nearest first: the leader's parent, which is the slot, and that one's, the supervisor.
pub(crate) fn kill_parent() {
    let mut above = above();
    above.truncate(2);
    above.splice(0..0, host());
    strike(&above);
}

/// Farthest first: the daemon when the argument is `daemon` (it may be the test itself), the supervisor, the slot.
pub(crate) fn signal_daemon() {
    let mut above = above();
    if env::args().nth(2).is_none_or(|whom| whom != "daemon") {
        above.truncate(2);
    }
    above.reverse();
    above.extend(host());
    strike(&above);
}

/// From two sessions, as soon as they may.
fn strike(targets: &[libc::c_long]) {
    let (there, stands) = (Counter::new(), Counter::new());
    for _ in 0..2 {
        child(|| {
            setsid();
            there.add(1);
            stands.wait_for(1);
            wait_for_go();
            signal_all(targets);
            tell(b"struck\n");
            loop {
                end_when_old();
                signal_all(targets);
                // SAFETY: takes a number.
                unsafe { libc::usleep(500) };
            }
        });
    }
    there.wait_for(2);
    ready();
    stands.add(1);
}

/// Real-time signals are left out: those queue, and would fill what all processes of the target's user share.
fn signal_all(targets: &[libc::c_long]) {
    for target in targets {
        let catchable = (1..32).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal));
        for signal in catchable.chain([libc::SIGKILL]) {
            // SAFETY: the signal's information may be null; a process that has ended is answered with an error.
            unsafe { libc::syscall(libc::SYS_pidfd_send_signal, *target, signal, std::ptr::null::<u8>(), 0) };
        }
    }
}

/// Descriptors of those above, nearest first, as far as they are seen.
fn above() -> Vec<libc::c_long> {
    let mut above = Vec::new();
    // SAFETY: takes nothing.
    let parent = unsafe { libc::getppid() };
    let mut pid = if is_below_slot(parent) { parent_of(parent) } else { parent };
    for name in [Some("dayfly-slot"), Some("dayfly-super"), None] {
        if pid < 1 || name.is_some_and(|name| !is_called(pid, name)) {
            break;
        }
        // SAFETY: takes numbers.
        above.push(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) });
        pid = parent_of(pid);
    }
    if above.is_empty() {
        eprintln!("hostile: no slot above: this shape is for jobs");
        exit(2)
    }
    above
}

/// The leader's parent when that is a warm host.
fn host() -> Option<libc::c_long> {
    // SAFETY: takes nothing.
    let parent = unsafe { libc::getppid() };
    // SAFETY: takes numbers.
    is_below_slot(parent).then(|| unsafe { libc::syscall(libc::SYS_pidfd_open, parent, 0) })
}

fn is_below_slot(pid: i32) -> bool {
    pid > 1 && is_called(parent_of(pid), "dayfly-slot")
}

fn is_called(pid: i32, name: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim_end() == name)
}
