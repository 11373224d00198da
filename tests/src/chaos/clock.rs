//! One clock for all that is observed on this host.

use nix::time::{ClockId, clock_gettime};

/// µs of `CLOCK_BOOTTIME`.
pub(super) fn boot_us() -> u64 {
    micros(ClockId::CLOCK_BOOTTIME)
}

/// What to take off a server's ms since the epoch, in µs, to have µs of `CLOCK_BOOTTIME`. The server is on this host.
pub(super) fn epoch_us() -> u64 {
    micros(ClockId::CLOCK_REALTIME).saturating_sub(boot_us())
}

fn micros(clock: ClockId) -> u64 {
    // A kernel without these clocks runs none of this.
    let time = clock_gettime(clock).expect("the kernel has this clock");
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(time.tv_sec()) * 1_000_000 + part(time.tv_nsec()) / 1_000
}
