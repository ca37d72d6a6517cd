//! Everything a decision reads: immutable, swapped whole. Requests in flight keep the one they began with.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::clients::ClientRegister;
use crate::lists::Lists;
use crate::practices::PracticeRegister;
use crate::services::Catalogue;

/// One consistent view of the world.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The lists in force.
    pub lists: Arc<Lists>,
    /// Our practices.
    pub practices: Arc<PracticeRegister>,
    /// The services.
    pub services: Arc<Catalogue>,
    /// The registered clients.
    pub clients: Arc<ClientRegister>,
    /// Until when the lists may be used.
    pub freshness: Arc<Freshness>,
}

/// How long lists may be used after their publisher last gave them. A set that is fetched again unchanged is not swapped but
/// counts as given again, so this lives beside the snapshots and is shared by them.
#[derive(Debug)]
pub struct Freshness {
    given_at_us: AtomicI64,
    maximum_age: Duration,
}

impl Freshness {
    /// Of lists that nobody has given yet.
    #[must_use]
    pub const fn new(maximum_age: Duration) -> Self {
        Self { given_at_us: AtomicI64::new(i64::MIN), maximum_age }
    }

    /// The publisher gave them at this moment.
    pub fn note(&self, given_at: Timestamp) {
        self.given_at_us.store(given_at.as_microsecond(), Ordering::Release);
    }

    /// Whether they may be used at this moment.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        let age_us = i128::from(now.as_microsecond()) - i128::from(self.given_at_us.load(Ordering::Acquire));
        u128::try_from(age_us.max(0)).is_ok_and(|age| age <= self.maximum_age.as_micros())
    }
}

/// The snapshot in force.
pub type SharedSnapshot = Arc<ArcSwap<Snapshot>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_hold_until_their_maximum_age() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let freshness = Freshness::new(Duration::from_secs(60));
        assert!(!freshness.holds(at(0)), "never given");
        freshness.note(at(1_000));
        assert!(freshness.holds(at(1_000)) && freshness.holds(at(1_060)));
        assert!(freshness.holds(at(990)), "a clock that was set back makes them no older");
        assert!(!freshness.holds(at(1_061)));
    }
}
