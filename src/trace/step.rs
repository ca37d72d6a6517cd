//! The steps of a request, and how long each took. To time one costs some looks at the clock and a place in memory, so under load
//! only a part is timed: what that part says holds for all.

use std::cell::Cell;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A thread times so many requests ...
const TIMED_MAX: u32 = 16;
/// ... in this time: up to 1,000 requests a second each is timed, of 20,000 one in 20.
const TIMED_WITHIN: Duration = Duration::from_millis(16);

thread_local! {
    static TIMED: Cell<Option<(Instant, u32)>> = const { Cell::new(None) };
}

/// Whether a request that begins now on this thread is timed.
pub(super) fn is_timed(now: Instant) -> bool {
    let within = |(since, _): &(Instant, u32)| now.saturating_duration_since(*since) < TIMED_WITHIN;
    let (since, count) = TIMED.get().filter(within).unwrap_or((now, 0));
    TIMED.set(Some((since, count.saturating_add(1))));
    count < TIMED_MAX
}

/// A part of the answering of a request. A request is in one of them at each moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An authorization request is read, and the landing page made.
    Authorize,
    /// The answer to the landing page, and the login service.
    Login,
    /// The practice is asked whether it has data for the person.
    Availability,
    /// The answer to the consent question.
    Consent,
    /// Any other page.
    Page,
    /// A code or refresh token is exchanged, or given back.
    Exchange,
    /// The access token is looked up.
    Token,
    /// The decision, what is asked, and handing the intent to the audit log.
    Decide,
    /// The HIS works.
    His,
    /// Its answer is judged and cut.
    Shape,
    /// The receipt of the intent, or of a refusal, is awaited.
    Audit,
    /// What is left: the answer is put together.
    Answer,
}

impl Step {
    /// All of them, in the order of their values.
    pub const ALL: [Self; 12] = [
        Self::Authorize,
        Self::Login,
        Self::Availability,
        Self::Consent,
        Self::Page,
        Self::Exchange,
        Self::Token,
        Self::Decide,
        Self::His,
        Self::Shape,
        Self::Audit,
        Self::Answer,
    ];

    /// The name in metrics, log and traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Login => "login",
            Self::Availability => "availability",
            Self::Consent => "consent",
            Self::Page => "page",
            Self::Exchange => "exchange",
            Self::Token => "token",
            Self::Decide => "decide",
            Self::His => "his",
            Self::Shape => "shape",
            Self::Audit => "audit",
            Self::Answer => "answer",
        }
    }

    pub(super) fn of_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }
}

/// What times the steps of a request. One task after another writes to it, never two at once.
#[derive(Debug)]
pub(super) struct Stopwatch {
    began: Instant,
    /// The step it is in, as its index in [`Step::ALL`].
    step: AtomicU8,
    /// When it came into that, in nanoseconds since it began.
    since: AtomicU64,
    /// When it first came into each step, as `since`, and one more; 0 for a step that it was not in.
    entered: [AtomicU64; Step::ALL.len()],
    /// Nanoseconds in each step so far.
    taken: [AtomicU64; Step::ALL.len()],
}

impl Stopwatch {
    pub(super) fn start(began: Instant, step: Step) -> Self {
        let watch = Self {
            began,
            step: AtomicU8::new(step as u8),
            since: AtomicU64::new(0),
            entered: Default::default(),
            taken: Default::default(),
        };
        watch.note_entry(step, 0);
        watch
    }

    /// Goes on to another step, and says which it left.
    pub(super) fn enter(&self, step: Step, now: Instant) -> Option<Step> {
        let at = u64::try_from(now.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX);
        let left = self.step.swap(step as u8, Ordering::Relaxed);
        let since = self.since.swap(at, Ordering::Relaxed);
        self.note_entry(step, at);
        if let Some(taken) = self.taken.get(usize::from(left)) {
            // A step that was so short that the clock did not move was a step.
            taken.fetch_add(at.saturating_sub(since).max(1), Ordering::Relaxed);
        }
        Step::of_index(left)
    }

    fn note_entry(&self, step: Step, at: u64) {
        if let Some(entered) = self.entered.get(step as usize)
            && entered.load(Ordering::Relaxed) == 0
        {
            entered.store(at.saturating_add(1), Ordering::Relaxed);
        }
    }

    pub(super) fn entered(&self, step: Step) -> Option<Duration> {
        let nanos = self.entered.get(step as usize)?.load(Ordering::Relaxed);
        nanos.checked_sub(1).map(Duration::from_nanos)
    }

    pub(super) fn taken(&self, step: Step) -> Option<Duration> {
        let nanos = self.taken.get(step as usize)?.load(Ordering::Relaxed);
        (nanos > 0).then(|| Duration::from_nanos(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, TestClock};

    #[test]
    fn a_thread_times_no_more_than_it_can_bear() {
        let clock = TestClock::at("2026-11-21T12:00:00Z".parse().unwrap());
        let timed = |clock: &TestClock| (0..50).filter(|_| is_timed(clock.monotonic())).count();
        assert_eq!((timed(&clock), timed(&clock)), (16, 0));
        clock.advance(TIMED_WITHIN);
        assert_eq!(timed(&clock), 16);
        let slow = (0..50).filter(|_| {
            clock.advance(Duration::from_millis(1));
            is_timed(clock.monotonic())
        });
        assert!(slow.count() >= 34, "all but those of the time before");
    }

    #[test]
    fn every_step_has_its_place_and_a_name_of_its_own() {
        for (index, step) in (0..).zip(Step::ALL) {
            assert_eq!(Step::of_index(index), Some(step));
        }
        let names: std::collections::BTreeSet<_> = Step::ALL.iter().map(|step| step.as_str()).collect();
        assert_eq!(names.len(), Step::ALL.len());
    }
}
