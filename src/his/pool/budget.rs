//! How much may be asked twice. Each request earns a tenth of a repetition, so that a HIS in trouble never gets more than a
//! tenth on top of what it gets anyway.

use std::sync::atomic::{AtomicU32, Ordering};

/// What one repetition costs, in tenths.
const PRICE: u32 = 10;
/// Most that is saved: ten repetitions.
const MOST: u32 = 10 * PRICE;

/// The budget of one endpoint.
pub(super) struct Budget(AtomicU32);

impl Budget {
    /// A full one.
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(MOST))
    }

    /// A request was made.
    pub(super) fn earn(&self) {
        self.change(|saved| (saved < MOST).then_some(saved + 1));
    }

    /// Whether one may be repeated; it is paid for then.
    pub(super) fn spend(&self) -> bool {
        self.change(|saved| saved.checked_sub(PRICE))
    }

    fn change(&self, change: impl FnMut(u32) -> Option<u32>) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_requests_is_repeated_at_most() {
        let budget = Budget::new();
        assert_eq!((0..20).filter(|_| budget.spend()).count(), 10, "what was saved");
        let repeated = (0..1000).filter(|_| {
            budget.earn();
            budget.spend()
        });
        assert_eq!(repeated.count(), 100);
    }

    #[test]
    fn no_more_is_saved_than_ten() {
        let budget = Budget::new();
        (0..1000).for_each(|_| budget.earn());
        assert_eq!((0..20).filter(|_| budget.spend()).count(), 10);
    }
}
