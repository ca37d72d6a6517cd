//! How often somebody may ask: a number a second, and a number at once. Counted by each node for itself (generic cell rate
//! algorithm); whoever waits as long as they are told is served.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::SharedClock;

/// The monotonic time of our clock.
#[derive(Clone)]
pub struct Monotonic(pub SharedClock);

impl governor::clock::Clock for Monotonic {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.0.monotonic()
    }
}

/// What each may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second, in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// How long it takes until all of the burst is there again, in whole seconds.
    #[must_use]
    pub const fn window_seconds(self) -> u32 {
        self.burst.get().div_ceil(self.per_second.get())
    }
}

/// Too many. How long to wait, in whole seconds, and what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// Until then.
    pub wait_seconds: u32,
    /// See [`Rate`].
    pub rate: Rate,
}

/// The rates of many.
pub struct Rates<K: Clone + Eq + Hash> {
    rate: Rate,
    /// `None` stands for everybody for whom there was no room.
    limits: RateLimiter<Option<K>, HashMapStateStore<Option<K>>, Monotonic, NoOpMiddleware<Instant>>,
    clock: Monotonic,
}

impl<K: Clone + Eq + Hash> Rates<K> {
    /// Those who are told apart at once; further ones share one rate until others have been quiet for a while.
    pub const KNOWN_MAX: usize = 100_000;

    /// The same rate for everybody.
    #[must_use]
    pub fn new(rate: Rate, clock: SharedClock) -> Self {
        let clock = Monotonic(clock);
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self { rate, limits: RateLimiter::hashmap_with_clock(quota, clock.clone()), clock }
    }

    /// What each may do.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// Counts a request of `who`.
    ///
    /// # Errors
    /// When there were too many.
    pub fn admit(&self, who: K) -> Result<(), TooMany> {
        let who = (self.limits.len() < Self::KNOWN_MAX).then_some(who);
        self.limits.check_key(&who).map_err(|early| TooMany {
            wait_seconds: whole_seconds(early.wait_time_from(self.clock.now())),
            rate: self.rate,
        })
    }

    /// Forgets whoever has been quiet long enough to have all of their burst again.
    pub fn tidy(&self) {
        self.limits.retain_recent();
        self.limits.shrink_to_fit();
    }

    /// How many are remembered.
    #[must_use]
    pub fn known(&self) -> usize {
        self.limits.len()
    }
}

/// A wait in whole seconds, at least one.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::TestClock;

    fn rates(per_second: u32, burst: u32) -> (Rates<u32>, Arc<TestClock>) {
        let clock = TestClock::at("2026-03-09T09:00:00Z".parse().unwrap());
        let [per_second, burst] = [per_second, burst].map(|number| NonZeroU32::new(number).unwrap());
        (Rates::new(Rate { per_second, burst }, Arc::clone(&clock) as _), clock)
    }

    #[test]
    fn each_has_a_burst_and_then_a_pace() {
        let (rates, clock) = rates(2, 10);
        assert!((0..10).all(|_| rates.admit(1).is_ok()));
        let refused = rates.admit(1).unwrap_err();
        assert_eq!((refused.wait_seconds, refused.rate.window_seconds()), (1, 5));
        assert_eq!(rates.admit(2), Ok(()), "another is not held up");
        clock.advance(Duration::from_millis(500));
        assert_eq!((rates.admit(1).is_ok(), rates.admit(1).is_ok()), (true, false));
    }

    #[test]
    fn who_is_quiet_is_forgotten_and_what_is_known_is_bounded() {
        let (rates, clock) = rates(1, 2);
        let most = u32::try_from(Rates::<u32>::KNOWN_MAX).unwrap();
        (0..most).for_each(|who| rates.admit(who).unwrap());
        assert_eq!([0, 1, 2].map(|who| rates.admit(most + who).is_ok()), [true, true, false], "they share one rate");
        assert_eq!(rates.known(), Rates::<u32>::KNOWN_MAX + 1);
        clock.advance(Duration::from_secs(10));
        rates.tidy();
        assert_eq!(rates.known(), 0);
        assert_eq!(rates.admit(most), Ok(()));
    }
}
