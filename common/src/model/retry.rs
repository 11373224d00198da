//! When a failed job runs again.

/// Exponential backoff with jitter: the n-th failure waits `first * 2^(n-1)`, at most `max`, then a random part of
/// up to half of it is taken off, so that jobs that failed together do not come back together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    /// Wait after the first failure, ms.
    pub first_ms: u64,
    /// Longest wait, ms.
    pub max_ms: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first_ms: 1_000, max_ms: 600_000 }
    }
}

impl Backoff {
    /// The wait in ms after the `failures`-th failure (1 = the first). `jitter` is a random value.
    #[must_use]
    pub fn delay_ms(&self, failures: u32, jitter: u64) -> u64 {
        let doublings = failures.saturating_sub(1).min(40);
        let full = self.first_ms.saturating_mul(1 << doublings).min(self.max_ms);
        let spread = full / 2;
        full - if spread == 0 { 0 } else { jitter % (spread + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_delay_is_between_half_and_all_of_the_step(failures in 1_u32..200, jitter: u64, first in 0_u64..100_000, max in 0_u64..10_000_000) {
            let backoff = Backoff { first_ms: first, max_ms: max };
            let delay = backoff.delay_ms(failures, jitter);
            prop_assert!(delay <= max);
            let step = first.saturating_mul(1 << (failures - 1).min(40)).min(max);
            prop_assert!(delay <= step && delay >= step / 2);
        }
    }
}
