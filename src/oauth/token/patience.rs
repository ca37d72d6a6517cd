//! How many wrong requests a node may make before it has to slow down. Right requests cost nothing, so that a whole country
//! refreshing on the hour is not held up; wrong ones of one node hold up that node alone.
//!
//! A generic cell rate algorithm with one moment a node: when it will have paid off what it owes. A request is charged only
//! when it turned out wrong, and asking costs nothing; a limiter that charges when it is asked cannot say this.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::oauth::grant::Thumbprint;

/// What each node owes, by its certificate.
#[derive(Debug, Default)]
pub struct Patience {
    paid_off: Mutex<HashMap<Thumbprint, Instant>>,
}

impl Patience {
    /// Wrong requests that a node may make at once.
    pub const BURST: u32 = 300;
    /// How long it takes to pay one off: 10 a second.
    pub const EACH: Duration = Duration::from_millis(100);
    /// Nodes that are remembered; more certificates than a whitelist has names.
    const NODES_MAX: usize = 10_000;

    /// Whether a node may make its next request.
    ///
    /// # Errors
    /// How long it has to wait, in whole seconds, when it owes too much.
    pub fn admit(&self, node: Thumbprint, now: Instant) -> Result<(), u32> {
        let owed = self.lock().get(&node).map(|paid_off| paid_off.saturating_duration_since(now));
        let wait = owed.unwrap_or_default().saturating_sub((Self::BURST - 1) * Self::EACH);
        if wait.is_zero() { Ok(()) } else { Err(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)) }
    }

    /// The node made a wrong request.
    pub fn charge(&self, node: Thumbprint, now: Instant) {
        let mut nodes = self.lock();
        if nodes.len() >= Self::NODES_MAX {
            nodes.retain(|_, paid_off| *paid_off > now);
        }
        if nodes.len() < Self::NODES_MAX || nodes.contains_key(&node) {
            let paid_off = nodes.entry(node).or_insert(now);
            *paid_off = (*paid_off).max(now) + Self::EACH;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Thumbprint, Instant>> {
        self.paid_off.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, TestClock};

    fn node(byte: u8) -> Thumbprint {
        Thumbprint::new([byte; 32])
    }

    #[test]
    fn a_node_that_is_wrong_too_often_waits_and_others_do_not() {
        let clock = TestClock::at("2026-11-21T12:00:00Z".parse().unwrap());
        let patience = Patience::default();
        for _ in 0..Patience::BURST {
            assert_eq!(patience.admit(node(1), clock.monotonic()), Ok(()));
            patience.charge(node(1), clock.monotonic());
        }
        assert_eq!(patience.admit(node(1), clock.monotonic()), Err(1));
        assert_eq!(patience.admit(node(2), clock.monotonic()), Ok(()));
        clock.advance(Patience::EACH);
        assert_eq!(patience.admit(node(1), clock.monotonic()), Ok(()));
        patience.charge(node(1), clock.monotonic());
        assert_eq!(patience.admit(node(1), clock.monotonic()), Err(1));
        clock.advance(Patience::BURST * Patience::EACH);
        for _ in 0..Patience::BURST {
            assert_eq!(patience.admit(node(1), clock.monotonic()), Ok(()));
            patience.charge(node(1), clock.monotonic());
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let clock = TestClock::at("2026-11-21T12:00:00Z".parse().unwrap());
        let patience = Patience::default();
        let many = |from: u32| {
            for number in from..from + 15_000 {
                let mut print = [0; 32];
                print[..4].copy_from_slice(&number.to_be_bytes());
                patience.charge(Thumbprint::new(print), clock.monotonic());
            }
        };
        many(0);
        assert_eq!(patience.lock().len(), Patience::NODES_MAX);
        clock.advance(Patience::EACH);
        many(20_000);
        assert_eq!(patience.lock().len(), Patience::NODES_MAX, "who has paid off is forgotten");
        let mut last = [0; 32];
        last[..4].copy_from_slice(&20_001_u32.to_be_bytes());
        assert!(patience.lock().contains_key(&Thumbprint::new(last)));
    }
}
