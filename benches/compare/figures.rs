//! Time, and what is said of many measurements.

use std::time::Instant;

use serde::{Deserialize, Serialize};

/// The clock on the wall of the machine.
#[expect(clippy::disallowed_methods, reason = "a bench looks at the clock on the wall of the machine")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Median, smallest and largest of the rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) rounds: usize,
}

impl Spread {
    /// `None` when there is nothing.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let half = values.len() / 2;
        let median =
            if values.len().is_multiple_of(2) { f64::midpoint(values[half - 1], values[half]) } else { values[half] };
        Some(Self { median, min, max, rounds: values.len() })
    }

    /// `median (min – max)` with so many decimals.
    pub(crate) fn text(&self, decimals: usize) -> String {
        format!("{:.decimals$} ({:.decimals$} – {:.decimals$})", self.median, self.min, self.max)
    }
}
