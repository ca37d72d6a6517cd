//! Bounds what is recorded of who is refused. Who is let in is never counted, so nobody keeps a colleague away by being refused.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::clock::SharedClock;

/// How many refused requests a minute are answered and recorded one by one.
const REFUSED_A_MINUTE: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// So many requests were refused that no more are recorded; after so many seconds some are again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests were refused; try again in {0} s")]
pub struct TooManyRefused(pub u32);

/// Bounds refusals.
pub struct Refusals {
    limit: RateLimiter<NotKeyed, InMemoryState, Monotonic, NoOpMiddleware<Instant>>,
    clock: Monotonic,
}

/// The monotonic time of our clock.
#[derive(Clone)]
struct Monotonic(SharedClock);

impl governor::clock::Clock for Monotonic {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.0.monotonic()
    }
}

impl Refusals {
    /// By this clock.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        let clock = Monotonic(clock);
        Self { limit: RateLimiter::direct_with_clock(Quota::per_minute(REFUSED_A_MINUTE), clock.clone()), clock }
    }

    /// Counts one.
    ///
    /// # Errors
    /// When there are too many to record them all.
    pub fn count(&self) -> Result<(), TooManyRefused> {
        use governor::clock::Clock as _;
        let seconds = |wait: Duration| u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1);
        self.limit.check().map_err(|early| TooManyRefused(seconds(early.wait_time_from(self.clock.now()))))
    }
}
