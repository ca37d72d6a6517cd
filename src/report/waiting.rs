//! How long patients waited, in bins that grow by a twentieth: two sets of times are added by adding their bins.

use std::sync::LazyLock;
use std::time::Duration;

use super::figures::Median;

/// How many bins there are. The first ends at 1.05 ms, the last begins above four minutes.
const BINS: usize = 256;
/// Where the second bin would begin if it were the first, in microseconds.
const FIRST: u64 = 1_000;

/// Where the bins begin, in microseconds: the first at 0, and each other one a twentieth above the one before it, rounded down.
static BEGINS: LazyLock<[u64; BINS + 1]> = LazyLock::new(|| {
    let mut next = FIRST;
    std::array::from_fn(|at| {
        next += if at == 0 { 0 } else { next / 20 };
        if at == 0 { 0 } else { next }
    })
});

/// The number of a bin, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bin(u8);

impl Bin {
    /// Into which this time falls.
    #[must_use]
    pub fn of(waited: Duration) -> Self {
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        let after = BEGINS.partition_point(|begin| *begin <= micros);
        Self(u8::try_from(after.saturating_sub(1)).unwrap_or(u8::MAX))
    }

    /// The bin of this number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The middle between its two ends.
    #[must_use]
    pub fn middle(self) -> Duration {
        let at = usize::from(self.0);
        let ends = BEGINS.get(at).zip(BEGINS.get(at + 1));
        Duration::from_micros(ends.map_or(0, |(begin, end)| u64::midpoint(*begin, *end)))
    }
}

/// How many times fell into each bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    counts: [u64; BINS],
}

impl Default for Waiting {
    fn default() -> Self {
        Self { counts: [0; BINS] }
    }
}

impl Waiting {
    /// Adds so many times of a bin.
    pub fn add(&mut self, bin: Bin, count: u64) {
        if let Some(kept) = self.counts.get_mut(usize::from(bin.0)) {
            *kept = kept.saturating_add(count);
        }
    }

    /// The middle of the bin in which half of the times are reached; `None` when there are none.
    #[must_use]
    pub fn median(&self) -> Option<Median> {
        let of: u64 = self.counts.iter().sum();
        let half = of.div_ceil(2);
        let mut reached = 0;
        let at = self.counts.iter().position(|count| {
            reached += count;
            of > 0 && reached >= half
        })?;
        Some(Median { time: Bin(u8::try_from(at).ok()?).middle(), of, error: Median::ERROR })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bins_grow_by_a_twentieth() {
        let of = |micros| Bin::of(Duration::from_micros(micros)).number();
        assert_eq!((of(0), of(1_049), of(1_050), of(1_101), of(1_102)), (0, 0, 1, 1, 2));
        assert_eq!(Bin::of(Duration::MAX).number(), u8::MAX);
        assert!(Bin::new(u8::MAX).middle() > Duration::from_secs(240));
        assert_eq!(Waiting::default().median(), None);
    }

    proptest! {
        #[test]
        fn a_bin_stands_for_its_times_within_its_error(micros in 1_050_u64..240_000_000) {
            let bin = Bin::of(Duration::from_micros(micros));
            let middle = bin.middle().as_micros() as f64;
            prop_assert!((middle / micros as f64 - 1.0).abs() <= 0.0251, "{bin:?} {middle}");
        }

        #[test]
        fn the_median_is_that_of_the_times(times in prop::collection::vec(1_050_u64..60_000_000, 1..50)) {
            let mut waiting = Waiting::default();
            times.iter().for_each(|micros| waiting.add(Bin::of(Duration::from_micros(*micros)), 1));
            let mut sorted = times;
            sorted.sort_unstable();
            let exact = sorted[(sorted.len() - 1) / 2] as f64;
            let median = waiting.median().unwrap();
            prop_assert_eq!(median.of, sorted.len() as u64);
            prop_assert!((median.time.as_micros() as f64 / exact - 1.0).abs() <= 0.0251);
        }
    }
}
