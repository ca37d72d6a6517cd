//! The only source of time. Wall time is for records and for people, monotonic time for lifetimes and deadlines.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Where every part of the gateway reads the time. One value is made in `main`, or by a test, and handed down.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time in UTC.
    fn now(&self) -> Timestamp;

    /// Time that never goes back, for durations inside one process.
    fn monotonic(&self) -> Instant;
}

/// A clock that can be shared between tasks.
pub type SharedClock = Arc<dyn Clock>;

/// The clock of the machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one door for wall time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one door for monotonic time")]
    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct TestClock {
    start: Instant,
    epoch: Timestamp,
    moved: std::sync::Mutex<Duration>,
    /// How far the wall clock is from where the time that passed would have it.
    stepped: std::sync::Mutex<SignedDuration>,
}

impl TestClock {
    /// A clock that shows `epoch`.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "an Instant can only be made by asking for one")]
    pub fn at(epoch: Timestamp) -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), epoch, moved: Default::default(), stepped: Default::default() })
    }

    /// Moves both times forward.
    pub fn advance(&self, by: Duration) {
        let mut moved = self.moved.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *moved = moved.saturating_add(by);
    }

    /// Sets the wall clock forth or back, as an operator or a time server does; monotonic time does not notice.
    pub fn step(&self, by: SignedDuration) {
        let mut stepped = self.stepped.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *stepped = stepped.saturating_add(by);
    }

    fn moved(&self) -> Duration {
        *self.moved.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let stepped = *self.stepped.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let passed = SignedDuration::try_from(self.moved()).unwrap_or(SignedDuration::MAX);
        self.epoch.saturating_add(passed.saturating_add(stepped)).unwrap_or(Timestamp::MAX)
    }

    fn monotonic(&self) -> Instant {
        self.start + self.moved()
    }
}
