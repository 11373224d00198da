//! Shapes that use what few programs use, and those that take what is not theirs.

use crate::process::{child, end_when_old, harden, ready, stay};
use std::{fs, io::Write, thread};

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

/// Kills the slot.
pub(crate) fn kill_parent() {
    child(|| {});
    ready();
    // SAFETY: takes numbers; in a pid namespace of the slot's this hits its init, which takes no harm.
    unsafe { libc::kill(libc::getppid(), libc::SIGKILL) };
}

/// Kills the slot, the supervisor and the daemon, nearest first, as far as it sees them.
pub(crate) fn signal_daemon() {
    child(|| {});
    let mut above = Vec::new();
    // SAFETY: takes nothing.
    let mut pid = unsafe { libc::getppid() };
    while above.len() < 3 && pid > 1 {
        above.push(pid);
        pid = parent_of(pid);
    }
    ready();
    let wanted = std::env::var("HOSTILE_VICTIM").unwrap_or_default();
    let daemon = if wanted == "daemon" { above.get(2) } else { above.get(1) };
    if let Some(pid) = daemon {
        // SAFETY: takes numbers. These are processes of the test that started this program.
        unsafe { libc::kill(*pid, libc::SIGKILL) };
    }
}

fn parent_of(pid: i32) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

/// Burns a processor and never makes a system call.
pub(crate) fn spin() {
    if std::env::var_os("HOSTILE_LEADER").is_some() {
        child(spin_here);
    } else {
        spin_here();
    }
}

fn spin_here() {
    ready();
    loop {
        // Reads the clock without the kernel.
        end_when_old();
    }
}

/// Writes to standard output and error without end.
pub(crate) fn flood() {
    ready();
    let lines = b"a line of noise that nobody wants to read but somebody must\n".repeat(1000);
    loop {
        let written = std::io::stdout().write_all(&lines).and_then(|()| std::io::stderr().write_all(&lines));
        if written.is_err() {
            return;
        }
    }
}

/// Takes memory, and uses it, until it is stopped.
pub(crate) fn eat_memory() {
    ready();
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(vec![1; 1 << 20]);
        // Far beyond any test's limit, and little enough for any machine.
        if eaten.len() > 2048 {
            stay()
        }
    }
}

/// Writes a file in its folder until it is stopped.
pub(crate) fn fill_file() {
    ready();
    let block = vec![0; 1 << 20];
    // SAFETY: SIG_DFL installs no code; with SIGXFSZ ignored the write would only fail.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_DFL) };
    if let Ok(mut file) = fs::File::create("fill") {
        while file.write_all(&block).is_ok() {}
    }
}
