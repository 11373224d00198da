//! Shapes that use what few programs use.

use crate::process::{child, harden, ready, stay};
use std::{fs, thread};

/// A child that is its parent's sibling: the slot's own child that it never started.
pub(crate) fn clone_parent() {
    let flags = libc::CLONE_PARENT | libc::SIGCHLD;
    // SAFETY: without CLONE_VM and with a null stack this is fork with another parent.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    if pid == 0 {
        harden();
        ready();
        stay()
    }
}

/// A child made by a thread that goes on living.
pub(crate) fn thread_child() {
    let ready_child = thread::spawn(|| {
        child(ready);
    });
    let _ = ready_child.join();
    thread::spawn(|| {
        child(|| {});
        stay()
    });
}

/// The main thread ends: a zombie by its looks, with a thread that lives.
pub(crate) fn main_exits() {
    if std::env::var_os("HOSTILE_LEADER").is_some() {
        child(main_exits_here);
    } else {
        main_exits_here();
    }
}

fn main_exits_here() {
    thread::spawn(|| {
        // Until the main thread has become a zombie.
        while !fs::read_to_string("/proc/self/stat").is_ok_and(|stat| stat.contains(") Z ")) {
            thread::yield_now();
        }
        ready();
        stay()
    });
    // SAFETY: ends this thread only; the other one uses nothing of its stack.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
}

/// A child that never lets its vforking parent go on.
pub(crate) fn vfork() {
    child(|| {
        let flags = libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: as fork, but that the parent waits for the child's end.
        if unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } == 0 {
            ready();
            stay()
        }
    });
}

/// An inner pid namespace with an init of its own and an orphan in it.
pub(crate) fn inner_namespace() {
    // SAFETY: takes a number. An ordinary user needs a user namespace for it.
    let made = unsafe {
        libc::unshare(libc::CLONE_NEWPID) == 0 || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWPID) == 0
    };
    if !made {
        eprintln!("hostile: no pid namespace here");
    }
    child(|| {
        child(|| {
            child(ready);
        });
    });
}
