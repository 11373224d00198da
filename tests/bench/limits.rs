//! The machine's own limit: a bare `posix_spawn(3)` loop on every core.

use std::{
    ffi::CString,
    ptr,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Programs started and waited for per second, by one thread a core.
pub(crate) fn bare_spawns(program: &str, cores: usize, time: Duration) -> anyhow::Result<f64> {
    let program = CString::new(program)?;
    let (count, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) && spawn_and_wait(&program) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while start.elapsed() < time {
            std::thread::park_timeout(time.saturating_sub(start.elapsed()));
        }
        stop.store(true, Ordering::Relaxed);
    });
    let done = count.load(Ordering::Relaxed);
    anyhow::ensure!(done > 0, "{} cannot be started", program.to_string_lossy());
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

#[expect(unsafe_code, reason = "the limit is the C library's own call, without anything of Rust's around it")]
fn spawn_and_wait(program: &CString) -> bool {
    let argv = [program.as_ptr().cast_mut(), ptr::null_mut()];
    let envp = [ptr::null_mut()];
    let mut pid = 0;
    let mut status = 0;
    // SAFETY: `argv` and `envp` are null-terminated arrays of C strings that outlive the call, and only this thread
    // waits for `pid`.
    unsafe {
        libc::posix_spawn(&mut pid, program.as_ptr(), ptr::null(), ptr::null(), argv.as_ptr(), envp.as_ptr()) == 0
            && libc::waitpid(pid, &mut status, 0) == pid
    }
}
