//! How long jobs of a task run, and from that when a waiting one may start. No clock: all is asked in ms from now.

/// Recent run times of a task, ms, from the claim to the outcome, in no order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunTimes(Vec<u64>);

impl RunTimes {
    /// Of these.
    #[must_use]
    pub fn new(mut ms: Vec<u64>) -> Self {
        ms.sort_unstable();
        Self(ms)
    }

    /// How many are known.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that `percent` of 100 stay below or reach (nearest rank); `None` without data.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Option<u64> {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied()
    }

    /// `None` without data.
    #[must_use]
    pub fn mean_ms(&self) -> Option<u64> {
        let count = u64::try_from(self.0.len()).ok()?;
        self.0.iter().sum::<u64>().checked_div(count)
    }
}

/// A live worker, as far as jobs of one task are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crew {
    /// Slots it has.
    pub slots: u32,
    /// Slots in use.
    pub busy: u32,
    /// What one of its slots spends on one job of the task and on one of each other task that waits for it too, ms: equal
    /// priorities take turns.
    pub turn_ms: u64,
}

/// Ms until a job starts that has `ahead` others before it in its queue: 0 where slots are free, else as long as it takes until so
/// many busy slots have become free, at the rate of recent run times. `None`: nobody serves the task.
#[must_use]
pub fn start_within_ms(ahead: u64, crews: &[Crew]) -> Option<u64> {
    let free: u64 = crews.iter().map(|crew| u64::from(crew.slots.saturating_sub(crew.busy))).sum();
    if ahead < free {
        return Some(0);
    }
    // Jobs of the task that start in `SPAN` ms: whole numbers are fine enough for any run time.
    const SPAN: u128 = 1_000_000_000_000_000_000;
    let rate: u128 = crews.iter().map(|crew| u128::from(crew.slots) * SPAN / u128::from(crew.turn_ms.max(1))).sum();
    let within = (u128::from(ahead - free + 1) * SPAN).checked_div(rate)?;
    Some(u64::try_from(within).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn crew(slots: u32, busy: u32, turn_ms: u64) -> Crew {
        Crew { slots, busy, turn_ms }
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let times = RunTimes::new((1..=100).rev().collect());
        assert_eq!((times.percentile(50), times.percentile(95), times.mean_ms()), (Some(50), Some(95), Some(50)));
        let one = RunTimes::new(vec![7]);
        assert_eq!((one.percentile(50), one.percentile(95), one.count()), (Some(7), Some(7), 1));
        let none = RunTimes::default();
        assert_eq!((none.percentile(50), none.mean_ms()), (None, None));
    }

    #[test]
    fn a_free_slot_is_at_once_and_a_busy_one_takes_its_turn() {
        assert_eq!(start_within_ms(0, &[]), None);
        assert_eq!(start_within_ms(1, &[crew(2, 1, 100), crew(1, 0, 100)]), Some(0));
        assert_eq!(start_within_ms(0, &[crew(1, 1, 100)]), Some(100));
        assert_eq!(start_within_ms(7, &[crew(4, 4, 100)]), Some(200));
        assert_eq!(start_within_ms(8, &[crew(4, 3, 100)]), Some(200), "one starts at once");
        // Another task of the same length takes every second turn.
        assert_eq!(start_within_ms(3, &[crew(4, 4, 200)]), Some(200));
        let year = 31_536_000_000;
        let within = start_within_ms(0, &[crew(1, 1, year)]).expect("an estimate");
        assert!(within.abs_diff(year) < 1_000, "{within}");
        assert_eq!(start_within_ms(u64::MAX - 1, &[crew(1, 1, year)]), Some(u64::MAX));
    }

    /// Numbers that look random and are the same each time (xorshift64*), 0 to 1.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self) -> f64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
            f64::from(u32::try_from(bits >> 21).unwrap_or(0)) / f64::from(u32::MAX)
        }
    }

    /// Errors of estimates, as parts of the true wait: jobs of random lengths by `length` on `slots` slots, each asked about when
    /// the first of them starts.
    fn errors(slots: u32, jobs: usize, length: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
        let mut errors = Vec::new();
        for _ in 0..50 {
            let phases: Vec<f64> = (0..slots).map(|_| dice.roll()).collect();
            let mut times = |count: usize| (0..count).map(|_| length(dice.roll()).max(1.0) as u64).collect::<Vec<_>>();
            let mean = RunTimes::new(times(64)).mean_ms().expect("data");
            // Slots that have been at work for long, each somewhere in the midst of a job.
            let mut free_at: Vec<u64> = times(slots as usize);
            free_at.iter_mut().zip(&phases).for_each(|(left, phase)| *left = (*left as f64 * phase) as u64 + 1);
            for (ahead, ms) in times(jobs).into_iter().enumerate() {
                let next = free_at.iter_mut().min().expect("a slot");
                let (start, within) =
                    (*next, start_within_ms(ahead as u64, &[crew(slots, slots, mean)]).expect("a rate"));
                *next += ms;
                if ahead >= slots as usize {
                    errors.push((within as f64 - start as f64).abs() / start as f64);
                }
            }
        }
        errors.sort_by(f64::total_cmp);
        errors
    }

    #[test]
    fn the_error_is_known() {
        for (name, slots, median, most, errors) in [
            ("even, 20 ms to 180 ms", 4, 0.10, 0.35, errors(4, 80, |roll| 20.0 + 160.0 * roll)),
            ("exponential, mean 100 ms", 4, 0.20, 0.80, errors(4, 80, |roll| -100.0 * (1.0 - roll).max(1e-9).ln())),
            ("always 100 ms", 8, 0.10, 0.60, errors(8, 80, |_| 100.0)),
        ] {
            let (half, nearly_all) = (errors[errors.len() / 2], errors[errors.len() * 95 / 100]);
            println!("{name}, {slots} slots: error of the wait, median {half:.3}, 95 of 100 within {nearly_all:.3}");
            assert!(half < median && nearly_all < most, "{name}: {half:.3} {nearly_all:.3}");
        }
    }
}
