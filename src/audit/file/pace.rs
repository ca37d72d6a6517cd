//! How long records may gather before they are written and flushed together: a flush costs about the same whatever it covers.

use std::time::{Duration, Instant};

/// How long records are let gather while nobody waits for one of them (an intent whose HIS still works, an outcome), as a
/// multiple of the write and flush before: a flush costs processor time whatever it covers, and takes a ninth of it at most.
const PAUSE_FLUSHES: u32 = 8;

/// However slow the device is. A slow one lets records gather by itself.
const PAUSE_MAX: Duration = Duration::from_micros(500);

/// How long records that somebody waits for are let gather at most, and no longer than the write and flush before took: those
/// who were just answered come back while the others are written, so that neither the processor nor the disk waits.
const GATHER_MAX: Duration = Duration::from_micros(100);

/// A write and flush that takes longer than this is worth waiting a little for all that may share the next.
const SLOW: Duration = Duration::from_micros(400);

/// How records may gather after a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Until then while nobody waits for one of them.
    pub(super) due: Instant,
    /// Until then although somebody does, as long as fewer than [`Self::enough`] are here.
    pub(super) soon: Instant,
    /// The records of the batch before: each of those who were answered may come with their next.
    answered: usize,
    slow: bool,
}

impl Pace {
    /// At once, whatever there is.
    pub(super) const fn from(now: Instant) -> Self {
        Self { due: now, soon: now, answered: 0, slow: false }
    }

    /// After a batch of so many records, whose write and flush ended at `ended` and took so long. One record says that there is
    /// no load, and what comes next is taken at once.
    pub(super) fn after(answered: usize, took: Duration, ended: Instant) -> Self {
        let pause = if answered > 1 { (took * PAUSE_FLUSHES).min(PAUSE_MAX) } else { Duration::ZERO };
        Self { due: ended + pause, soon: ended + GATHER_MAX.min(took), answered, slow: took > SLOW }
    }

    /// How many of those under way are worth a flush, when so many are queued: half, so that the others come while these are
    /// flushed; nearly all, where they would have come long before its end. One that was alone waits for nobody.
    pub(super) const fn enough(self, queued: usize) -> usize {
        let under_way = self.answered + queued;
        match self.answered {
            0 | 1 => 0,
            _ if self.slow => under_way - under_way / 8,
            _ => under_way / 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    #[test]
    fn half_of_those_under_way_are_enough_and_nearly_all_where_a_flush_is_slow() {
        let now = SystemClock.monotonic();
        let after = |micros| Pace::after(128, Duration::from_micros(micros), now);
        assert_eq!((after(100).enough(0), after(100).enough(128)), (64, 128));
        assert_eq!((after(5_000).enough(0), after(5_000).enough(128)), (112, 224));
        assert_eq!(Pace::from(now).enough(100), 0);
        assert_eq!(Pace::after(1, Duration::from_micros(5_000), now).enough(100), 0, "it was alone");
    }

    #[test]
    fn however_slow_a_flush_is_nobody_is_let_wait_long() {
        let now = SystemClock.monotonic();
        let waits = |answered, micros| {
            let pace = Pace::after(answered, Duration::from_micros(micros), now);
            (pace.due - now, pace.soon - now)
        };
        assert_eq!(waits(2, 40), (Duration::from_micros(320), Duration::from_micros(40)));
        assert_eq!(waits(2, 5_000), (Duration::from_micros(500), Duration::from_micros(100)));
        assert_eq!(waits(1, 40), (Duration::ZERO, Duration::from_micros(40)));
    }
}
