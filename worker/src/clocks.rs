//! Time that this host has missed.
//!
//! A lease counts on `CLOCK_BOOTTIME`, which goes on through a suspend. While a hypervisor holds a virtual machine it may
//! stand still; when the machine goes on, whoever keeps its wall clock (the hypervisor, NTP) steps that forward. So a step of
//! `CLOCK_REALTIME` against `CLOCK_BOOTTIME` may be time that went by for everybody else: leases may be over that seem
//! to have long to go.

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Less is how clocks are kept in step.
const JUMP: Duration = Duration::from_secs(2);

/// How far apart the two clocks were at a moment, ns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clocks(i128);

impl Clocks {
    /// Now. On a kernel without the clocks no jump is ever seen.
    pub(crate) fn now() -> Self {
        let nanos = |clock| {
            clock_gettime(clock).map(|time| i128::from(time.tv_sec()) * 1_000_000_000 + i128::from(time.tv_nsec())).ok()
        };
        let apart = nanos(ClockId::CLOCK_REALTIME).zip(nanos(ClockId::CLOCK_BOOTTIME));
        Self(apart.map_or(0, |(wall, boot)| wall - boot))
    }

    /// Time that may have been missed between `earlier` and here; `None` when the clocks have kept step.
    pub(crate) fn missed_since(self, earlier: Self) -> Option<Duration> {
        let ahead = u64::try_from(self.0 - earlier.0).map(Duration::from_nanos).ok()?;
        (ahead > JUMP).then_some(ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_step_forward_of_more_than_two_seconds_is_time_missed() {
        let then = Clocks(1_000_000_000_000);
        let later = |ns| Clocks(then.0 + ns).missed_since(then);
        assert_eq!(later(0), None);
        assert_eq!(later(2_000_000_000), None);
        assert_eq!(later(2_000_000_001), Some(Duration::from_nanos(2_000_000_001)));
        assert_eq!(later(-60_000_000_000), None, "a clock set back has missed nothing");
        assert_eq!(Clocks::now().missed_since(Clocks::now()), None);
    }
}
