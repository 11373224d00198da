//! The clock of deadlines and leases, and the moments that follow from a lease.

use super::BootTime;
use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl BootTime {
    /// This moment.
    ///
    /// # Panics
    /// When the kernel has no `CLOCK_BOOTTIME` (before 2.6.39): nothing can be promised then.
    #[must_use]
    pub fn now() -> Self {
        let time = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("the kernel has CLOCK_BOOTTIME");
        let part = |value: i64| u64::try_from(value).unwrap_or(0);
        Self(part(time.tv_sec()) * 1_000_000_000 + part(time.tv_nsec()))
    }

    /// So much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// So much earlier.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }

    /// The time from `earlier` to here; zero when this is the earlier one.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A duration as whole ns, at most some 584 years.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// ms since the epoch.
pub(super) fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The right to run until a moment, and the moments to act before it, so that the tree is gone when another worker may
/// start the job again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    /// L.
    pub(super) limit: BootTime,
    /// Its length.
    pub(super) ttl: Duration,
}

impl Lease {
    /// The start gate: at least half of it must be left.
    pub(super) fn may_start(self, now: BootTime) -> bool {
        self.limit.since(now) >= self.ttl / 2
    }

    /// SIGTERM, unless renewed by then.
    pub(super) fn term_at(self) -> BootTime {
        self.limit.before(self.ttl / 3)
    }

    /// SIGKILL.
    pub(super) fn kill_at(self) -> BootTime {
        self.limit.before(self.ttl / 6)
    }

    /// The daemon ends the slot itself, should that have done nothing by now: half-way from SIGKILL to L - ttl/10.
    pub(super) fn force_at(self) -> BootTime {
        self.limit.before(self.ttl * 2 / 15)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_in_steps() {
        let lease = Lease { limit: BootTime(60_000), ttl: Duration::from_nanos(60_000) };
        assert_eq!(lease.term_at(), BootTime(40_000));
        assert_eq!(lease.kill_at(), BootTime(50_000));
        assert_eq!(lease.force_at(), BootTime(52_000));
        assert!(lease.may_start(BootTime(30_000)));
        assert!(!lease.may_start(BootTime(30_001)));
        assert!(!lease.may_start(BootTime(60_001)));
    }

    #[test]
    fn the_clock_goes_on() {
        let first = BootTime::now();
        assert!(BootTime::now() >= first);
        assert!(first.after(Duration::MAX).0 == u64::MAX);
    }
}
