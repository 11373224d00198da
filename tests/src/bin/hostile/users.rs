//! A shape whose processes are no longer of the user that started them, so that the right to signal them is in question
//! (kill(2): root's, or whose real or effective user is the other's real or saved one).
//!
//! Root's program becomes other users, one a session, with no way back. Anybody else's starts a real setuid-root program:
//! `su`, which asks for a password and waits for it on standard input, a terminal or not. What that is worth depends: with
//! `no_new_privs`, which is the default of jobs, and in the user namespace of an ordinary user's `pidns` tier, the setuid bit does
//! nothing. Otherwise `su` is root by its effective and saved user, but its real user is still the job's, so that its slot may
//! end it; only a setuid program that changes that one too (`su` past the password) would be out of an ordinary slot's reach.

use crate::process::{Counter, child, harden, leave, ready, setsid, stay};
use std::{
    fs,
    io::{self, Read},
    os::unix::{fs::MetadataExt, process::CommandExt},
    process::Command,
};

/// Where `su` is, as distributions have it.
const SU: &[&str] = &["/usr/bin/su", "/bin/su"];
/// Users that own nothing here.
const OTHERS: [libc::uid_t; 3] = [65534, 54321, 2];

/// Processes of other users, as far as one can have those.
pub(crate) fn setuid() {
    // SAFETY: takes nothing.
    if unsafe { libc::geteuid() } == 0 { become_others() } else { start_su() }
}

fn become_others() {
    let there = Counter::new();
    for user in OTHERS {
        child(|| {
            setsid();
            settle_as(user);
            child(|| {
                there.add(1);
            });
            there.add(1);
        });
    }
    // Two of each.
    there.wait_for(6);
    ready();
}

/// Real, effective and saved user, and no other groups.
fn settle_as(user: libc::uid_t) {
    // SAFETY: an empty list may be null; the others take numbers.
    let done = unsafe {
        libc::setgroups(0, std::ptr::null()) == 0
            && libc::setresgid(user, user, user) == 0
            && libc::setresuid(user, user, user) == 0
    };
    if !done {
        eprintln!("hostile: cannot become user {user}: {}", io::Error::last_os_error());
    }
    harden();
}

fn start_su() {
    // In a user namespace even root's files seem to be nobody's.
    let is_setuid = |path: &&&str| fs::metadata(path).is_ok_and(|file| file.mode() & 0o4000 != 0);
    let Some(su) = SU.iter().find(is_setuid) else {
        eprintln!("hostile: no setuid program here");
        child(ready);
        return;
    };
    child(|| {
        setsid();
        // Held open, so that `su` waits.
        let Ok((password, _kept_open)) = io::pipe() else { return };
        let Ok((mut executed, writer)) = io::pipe() else { return };
        let pid = child(|| {
            let error = Command::new(su).stdin(password).exec();
            eprintln!("hostile: {su}: {error}");
            leave(3)
        });
        drop(writer);
        // Its end comes with the exec.
        let _ = executed.read(&mut [0]);
        eprintln!("hostile: {su} runs as user {}", effective_user(pid).unwrap_or_default());
        ready();
        // Never to return: the pipe stays open.
        stay()
    });
}

fn effective_user(pid: i32) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    users.split_whitespace().nth(1).map(str::to_owned)
}
