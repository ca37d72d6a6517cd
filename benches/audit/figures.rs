//! Time, and what is said of many measurements.

use std::time::{Duration, Instant};

/// The clock on the wall of the machine.
#[expect(clippy::disallowed_methods, reason = "a bench looks at the clock on the wall of the machine")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Microseconds with their fraction.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Sorts, and gives the middle one.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    percentile(values, 50)
}

/// Sorts, and gives the one that so many percent do not exceed.
pub(crate) fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) * percent / 100]
}

/// `median (min – max)` with so many decimals.
pub(crate) fn spread(values: &[f64], decimals: usize) -> String {
    let mut sorted = values.to_vec();
    let middle = median(&mut sorted);
    format!("{middle:.decimals$} ({:.decimals$} – {:.decimals$})", sorted[0], sorted[sorted.len() - 1])
}

/// The line that `benches/compare` reads.
pub(crate) fn print_bar(name: &str, ratios: &[f64]) {
    let mut sorted = ratios.to_vec();
    let (middle, rounds) = (median(&mut sorted), sorted.len());
    println!("bar {name} median {middle:.3} min {:.3} max {:.3} rounds {rounds}", sorted[0], sorted[rounds - 1]);
}

/// Sorts, and gives the interval in which the median lies with 95 % certainty, whatever the distribution: order statistics
/// of the binomial distribution with p = 1/2, by its normal approximation.
pub(crate) fn interval_of_median(values: &mut [f64]) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let half = 1.96 * count.sqrt() / 2.0;
    let (low, high) = ((count / 2.0 - half).floor(), (count / 2.0 + half).ceil());
    (values[low.max(0.0) as usize], values[(high as usize).min(values.len() - 1)])
}
