//! Shapes that go on forking while they are killed. Each bounds how many live at a time, how often it forks in all and
//! how long it lives: a storm that a test has lost sight of must not take the machine with it.

use crate::process::{Counter, child, harden, keep_within_bounds, leave, ready, setsid};

/// Most processes of one tree: enough to hurt, far from what a host can take.
const MOST: i32 = 300;

/// Eight processes fork children as fast as they can; each child stays in a session of its own until it is killed.
pub(crate) fn fork_during_kill() {
    let there = Counter::new();
    for _ in 0..8 {
        child(|| {
            loop {
                keep_within_bounds();
                if there.add(1) > MOST {
                    there.add(-1);
                    // SAFETY: takes a number; the processes counted are being killed meanwhile.
                    unsafe { libc::usleep(500) };
                    reap_all(&there);
                } else {
                    child(setsid);
                }
            }
        });
    }
    there.wait_for(100);
    ready();
}

/// A hundred processes, each of which forks and ends, endlessly: no pid lives for longer than a fork.
pub(crate) fn hop() {
    let there = Counter::new();
    for _ in 0..100 {
        child(|| {
            there.add(1);
            hop_on()
        });
    }
    there.wait_for(100);
    ready();
}

/// As [`hop`], each process in a session of its own: no group holds two of them.
pub(crate) fn hop_sessions() {
    let there = Counter::new();
    for _ in 0..50 {
        child(|| {
            there.add(1);
            hop_from_session_to_session()
        });
    }
    there.wait_for(50);
    ready();
}

fn hop_from_session_to_session() -> ! {
    loop {
        setsid();
        hop_once();
    }
}

fn hop_on() -> ! {
    loop {
        hop_once();
    }
}

/// Goes on in a child.
fn hop_once() {
    keep_within_bounds();
    // SAFETY: one thread; both sides only make system calls.
    match unsafe { libc::fork() } {
        0 => {}
        -1 => {
            // SAFETY: takes a number.
            unsafe { libc::usleep(1000) };
        }
        _ => leave(0),
    }
}

/// A hundred keepers, each of which starts its child again whenever that is killed.
pub(crate) fn respawn() {
    let there = Counter::new();
    for _ in 0..100 {
        child(|| {
            loop {
                keep_within_bounds();
                child(|| {
                    there.add(1);
                });
                // SAFETY: the status may be null.
                unsafe { libc::wait(std::ptr::null_mut()) };
            }
        });
    }
    there.wait_for(100);
    ready();
}

fn reap_all(there: &Counter) {
    // SAFETY: the status may be null.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {
        there.add(-1);
    }
    harden();
}
