//! How often lists are fetched.

use std::time::Duration;

/// The least time between two refreshes, whatever the pace says.
pub(super) const LEAST_WAIT: Duration = Duration::from_secs(1);

/// How often lists are fetched. Never more often than each second, unless woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between two refreshes that succeed; MedMij asks for at most 15 minutes.
    pub every: Duration,
    /// At most this much is added, at random, so that nodes do not come all at once.
    pub jitter: Duration,
    /// After a first failure; doubled by each further one, up to `every`.
    pub retry: Duration,
}

impl Pace {
    /// How long to wait after so many failures in a row, where `chance` is a random number.
    pub(super) fn wait(&self, failures: u32, chance: u32) -> Duration {
        let wait = match failures.checked_sub(1) {
            None => self.every,
            Some(doublings) => self.retry.saturating_mul(2_u32.saturating_pow(doublings)).min(self.every),
        };
        let jitter = self.jitter.as_secs_f64() * f64::from(chance) / f64::from(u32::MAX);
        let jitter = Duration::try_from_secs_f64(jitter).unwrap_or(self.jitter);
        wait.max(LEAST_WAIT).saturating_add(jitter)
    }
}
