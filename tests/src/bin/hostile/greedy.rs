//! Shapes that take more than is theirs: processors, memory, disk, and the attention of whoever reads their output.

use crate::process::{Counter, child, end_when_old, keep_within_bounds, leave, ready, reap, setsid};
use std::{
    env, fs,
    io::{Seek, Write},
    thread,
    time::Duration,
};

/// What is taken at once.
const MIB: usize = 1 << 20;
/// What one writer of [`fill_disk`] may write where the disk itself is not small.
const FILE: libc::rlim_t = 16 << 20;
const WRITERS: i32 = 4;

/// Burns a processor and never makes a system call.
pub(crate) fn spin() {
    if env::var_os("HOSTILE_LEADER").is_some() {
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

/// Takes memory, and uses it, until it is stopped or has as many MiB as its argument says.
pub(crate) fn eat_memory() {
    ready();
    eat(&Counter::new(), wanted(2048));
}

/// The same in eight processes of four sessions, which share what they take.
pub(crate) fn eat_memory_tree() {
    let (there, eaten) = (Counter::new(), Counter::new());
    let most = wanted(200);
    let eats = || {
        there.add(1);
        eat(&eaten, most)
    };
    for _ in 0..4 {
        child(|| {
            setsid();
            child(eats);
            eats();
        });
    }
    there.wait_for(8);
    ready();
}

fn wanted(usual: i32) -> i32 {
    env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// `eaten` counts the MiB of all; every 16th is said on standard error, once it is in use.
fn eat(eaten: &Counter, most: i32) {
    let (mut own, full): (Vec<Vec<u8>>, _) = (Vec::new(), vec![1; MIB]);
    loop {
        end_when_old();
        let number = eaten.add(1);
        let mut block = Vec::new();
        // Refused: it keeps what it has.
        if number > most || block.try_reserve_exact(MIB).is_err() {
            break;
        }
        block.extend_from_slice(&full);
        own.push(block);
        if number % 16 == 0 {
            eprintln!("hostile: {number} MiB");
        }
    }
    loop {
        end_when_old();
        own.iter_mut().flat_map(|block| block.iter_mut().step_by(4096)).for_each(|byte| *byte ^= 1);
        thread::sleep(Duration::from_millis(1));
    }
}

/// Writes a file in its folder until it is stopped.
pub(crate) fn fill_file() {
    ready();
    let block = vec![0; MIB];
    // SAFETY: SIG_DFL installs no code; with SIGXFSZ ignored the write would only fail.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_DFL) };
    if let Ok(mut file) = fs::File::create("fill") {
        while file.write_all(&block).is_ok() {}
    }
}

/// Four sessions that fill the disk of their folder and go on: each forks children that write as well, makes room for
/// itself, and fills that. Their files have no name, so that what they take is free when the last process has ended and not before.
///
/// On a disk that is not small, each ends at 16 MiB by `RLIMIT_FSIZE`, so that it takes 64 MiB in all.
pub(crate) fn fill_disk() {
    let refused = Counter::new();
    let limit = libc::rlimit { rlim_cur: FILE, rlim_max: FILE };
    // SAFETY: the struct is whole; SIG_IGN installs no code, and makes the write fail instead.
    unsafe {
        libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit);
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
    for _ in 0..WRITERS {
        child(|| {
            setsid();
            fill(&refused);
        });
    }
    // Each has been told at least once that there is no room.
    refused.wait_for(WRITERS);
    ready();
}

fn fill(refused: &Counter) {
    let name = format!("full-{}", std::process::id());
    let Ok(mut file) = fs::File::create_new(&name).and_then(|file| fs::remove_file(&name).map(|()| file)) else {
        return eprintln!("hostile: no file can be made");
    };
    let mut told = false;
    loop {
        let error = until_refused(&mut file);
        if !told {
            eprintln!("hostile: {error}");
            // Any other one is none of this shape's: it stands still then, and never says that it is ready.
            let expected = [libc::ENOSPC, libc::EDQUOT, libc::EFBIG];
            if error.raw_os_error().is_none_or(|number| !expected.contains(&number)) {
                return;
            }
            refused.add(1);
            told = true;
        }
        keep_within_bounds();
        let mut copy = &file;
        reap(child(|| {
            // The disk is as full as before.
            let _ = copy.write_all(&[1; 4096]);
            leave(0)
        }));
        if file.set_len(0).and_then(|()| file.rewind()).is_err() {
            return;
        }
    }
}

fn until_refused(file: &mut fs::File) -> std::io::Error {
    let block = vec![1; MIB];
    loop {
        if let Err(error) = file.write_all(&block) {
            return error;
        }
    }
}
