//! Leaves an endpoint alone that keeps failing. After some failures in a row nobody asks it for a while; then one request
//! goes first, and what becomes of it decides for the others. Failures are connections that fail or break, answers of 5xx, and
//! time that runs out; an answer of 4xx is an answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::SharedClock;
use crate::his::{BreakerState, HisError};

/// When it opens and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BreakerRules {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open at first; twice as long after each probe that fails.
    pub pause: Duration,
    /// The longest that it stays open without a probe.
    pub longest_pause: Duration,
}

/// A request without any answer that is given up after this time counts as a failure, whoever gave it up: clients that hang
/// up before our own deadline must not hide that a HIS is dead.
const SLOW: Duration = Duration::from_secs(5);

/// The breaker of one endpoint.
pub(super) struct Breaker {
    name: String,
    rules: BreakerRules,
    clock: SharedClock,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant, pause: Duration },
    Probing { pause: Duration },
}

/// Leave for one request. What becomes of it is told once; untold, it says nothing about the HIS unless it took too long.
pub(super) struct Ticket {
    breaker: Arc<Breaker>,
    since: Instant,
    probe: bool,
    answered: bool,
    told: bool,
}

impl Breaker {
    pub(super) const fn new(name: String, rules: BreakerRules, clock: SharedClock) -> Self {
        Self { name, rules, clock, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Leave for a request at this moment.
    ///
    /// # Errors
    /// [`HisError::Open`].
    pub(super) fn admit(self: &Arc<Self>, now: Instant) -> Result<Ticket, HisError> {
        let probe = self.change(|state| match *state {
            State::Closed { .. } => Ok(false),
            State::Open { until, pause } if now >= until => {
                *state = State::Probing { pause };
                Ok(true)
            }
            State::Open { .. } | State::Probing { .. } => Err(HisError::Open),
        })?;
        Ok(Ticket { breaker: Arc::clone(self), since: now, probe, answered: false, told: false })
    }

    /// Whether a request would be refused at this moment.
    pub(super) fn refuses(&self, now: Instant) -> bool {
        self.change(|state| match *state {
            State::Closed { .. } => false,
            State::Open { until, .. } => now < until,
            State::Probing { .. } => true,
        })
    }

    pub(super) fn state(&self) -> BreakerState {
        self.change(|state| match *state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::Probing { .. } => BreakerState::HalfOpen,
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn open(&self, state: &mut State, pause: Duration) {
        let until = self.clock.monotonic() + pause;
        *state = State::Open { until, pause };
        tracing::warn!(his = self.name, seconds = pause.as_secs_f64(), "the HIS keeps failing and is left alone");
    }

    fn close(&self, state: &mut State, failures: u32) {
        if !matches!(state, State::Closed { .. }) {
            tracing::info!(his = self.name, "the HIS answers again");
        }
        *state = State::Closed { failures };
    }

    fn failed(&self, probe: bool) {
        self.change(|state| match *state {
            State::Closed { failures } if failures.saturating_add(1) < self.rules.failures => {
                *state = State::Closed { failures: failures.saturating_add(1) };
            }
            State::Closed { .. } => self.open(state, self.rules.pause),
            State::Probing { pause } if probe => {
                self.open(state, pause.saturating_mul(2).min(self.rules.longest_pause));
            }
            // A request from before it opened.
            State::Open { .. } | State::Probing { .. } => {}
        });
    }
}

impl Ticket {
    /// A head of an answer came. It ends a probe; a body that breaks off then opens the breaker again.
    pub(super) fn answered(&mut self) {
        let first = !std::mem::replace(&mut self.answered, true);
        if first && self.probe {
            let breaker = &self.breaker;
            breaker.change(|state| breaker.close(state, breaker.rules.failures.saturating_sub(1)));
        }
    }

    /// The whole answer came.
    pub(super) fn succeeded(mut self) {
        self.answered();
        self.told = true;
        self.breaker.change(|state| {
            if matches!(state, State::Closed { .. }) {
                *state = State::Closed { failures: 0 };
            }
        });
    }

    /// It went wrong, and not by our doing.
    pub(super) fn failed(mut self) {
        self.told = true;
        self.breaker.failed(self.probe);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.told || self.answered {
            return;
        }
        let now = self.breaker.clock.monotonic();
        if now.saturating_duration_since(self.since) >= SLOW {
            self.breaker.failed(self.probe);
        } else if self.probe {
            // Nobody knows more than before, so the next request is the probe.
            self.breaker.change(|state| {
                if let State::Probing { pause } = *state {
                    *state = State::Open { until: now, pause };
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TestClock;

    const RULES: BreakerRules =
        BreakerRules { failures: 3, pause: Duration::from_secs(5), longest_pause: Duration::from_secs(15) };

    fn breaker() -> (Arc<Breaker>, Arc<TestClock>) {
        let clock = TestClock::at("2026-11-21T11:00:00Z".parse().unwrap());
        (Arc::new(Breaker::new("his-a".to_owned(), RULES, Arc::clone(&clock) as _)), clock)
    }

    fn admit(breaker: &Arc<Breaker>) -> Result<Ticket, HisError> {
        breaker.admit(breaker.clock.monotonic())
    }

    fn fail(breaker: &Arc<Breaker>, times: u32) {
        for _ in 0..times {
            admit(breaker).unwrap().failed();
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_others_do_not() {
        let (breaker, _) = breaker();
        fail(&breaker, 2);
        admit(&breaker).unwrap().succeeded();
        fail(&breaker, 2);
        assert_eq!(breaker.state(), BreakerState::Closed);
        fail(&breaker, 1);
        assert_eq!(admit(&breaker).err(), Some(HisError::Open));
        assert!(breaker.refuses(breaker.clock.monotonic()));
    }

    #[test]
    fn after_the_pause_one_probe_decides_for_all() {
        let (breaker, clock) = breaker();
        fail(&breaker, 3);
        clock.advance(Duration::from_secs(5));
        assert!(!breaker.refuses(breaker.clock.monotonic()));
        let probe = admit(&breaker).unwrap();
        assert_eq!(admit(&breaker).err(), Some(HisError::Open), "one at a time");
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        probe.succeeded();
        assert_eq!(breaker.state(), BreakerState::Closed);
        fail(&breaker, 2);
        assert_eq!(breaker.state(), BreakerState::Closed, "it counts from zero again");
    }

    #[test]
    fn each_probe_that_fails_doubles_the_pause_up_to_the_longest() {
        let (breaker, clock) = breaker();
        fail(&breaker, 3);
        for pause in [5, 10, 15, 15] {
            clock.advance(Duration::from_secs(pause) - Duration::from_millis(1));
            assert_eq!(admit(&breaker).err(), Some(HisError::Open));
            clock.advance(Duration::from_millis(1));
            fail(&breaker, 1);
        }
    }

    #[test]
    fn a_probe_that_is_given_up_leaves_its_place_to_the_next() {
        let (breaker, clock) = breaker();
        fail(&breaker, 3);
        clock.advance(Duration::from_secs(5));
        drop(admit(&breaker).unwrap());
        admit(&breaker).unwrap().succeeded();
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn a_probe_whose_body_breaks_opens_it_again() {
        let (breaker, clock) = breaker();
        fail(&breaker, 3);
        clock.advance(Duration::from_secs(5));
        let mut probe = admit(&breaker).unwrap();
        probe.answered();
        assert_eq!(breaker.state(), BreakerState::Closed, "others need not wait for a long body");
        probe.failed();
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn a_probe_that_ends_late_does_not_close_what_others_opened_since() {
        let (breaker, clock) = breaker();
        fail(&breaker, 3);
        clock.advance(Duration::from_secs(5));
        let mut probe = admit(&breaker).unwrap();
        probe.answered();
        fail(&breaker, 1);
        assert_eq!(breaker.state(), BreakerState::Open);
        probe.succeeded();
        assert_eq!(breaker.state(), BreakerState::Open, "its head is older than their failures");
        assert!(breaker.refuses(breaker.clock.monotonic()));
    }

    #[test]
    fn what_is_given_up_counts_when_it_was_slow_and_had_no_answer() {
        let (breaker, clock) = breaker();
        let slow: Vec<_> = (0..3).map(|_| admit(&breaker).unwrap()).collect();
        let mut begun = admit(&breaker).unwrap();
        begun.answered();
        drop((0..3).map(|_| admit(&breaker).unwrap()).collect::<Vec<_>>());
        clock.advance(SLOW);
        drop(begun);
        assert_eq!(breaker.state(), BreakerState::Closed);
        drop(slow);
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn a_failure_from_before_it_opened_does_not_prolong_it() {
        let (breaker, clock) = breaker();
        let late = admit(&breaker).unwrap();
        fail(&breaker, 3);
        clock.advance(Duration::from_secs(5));
        let probe = admit(&breaker).unwrap();
        late.failed();
        probe.succeeded();
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
}
