//! When a running node prunes, and whether its clock can be believed with something that cannot be undone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::pruner::{Pruner, PrunerError};
use crate::audit::note::SigningKey;
use crate::audit::prune::{PruneError, newest_time};
use crate::audit::signer::SignedCheckpoint;

/// How long after a look the next one is.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long after one that failed.
const AGAIN: Duration = Duration::from_secs(60 * 60);
/// How much longer than the log shows the clock may say that a node stood still. A clock that jumped by years has shown that it
/// is wrong before anything goes; after a longer stand somebody prunes once by hand.
const STOOD: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Why nothing is removed on this day.
#[derive(Debug, thiserror::Error)]
pub enum DailyError {
    /// The clock is further on than the time since the last record of before the start.
    #[error(
        "the clock says {now}, at most {believed} can be believed of it: run `inzage audit prune` on the stopped node if it is right"
    )]
    Clock {
        /// What it says.
        now: Timestamp,
        /// What could be.
        believed: Timestamp,
    },
    /// It cannot be seen what is to be removed.
    #[error(transparent)]
    Plan(#[from] PruneError),
    /// It cannot be removed.
    #[error(transparent)]
    Run(#[from] PrunerError),
}

/// The pruning of one run of a node.
pub(super) struct Daily {
    pruner: Pruner,
    /// The start: the two times of the clock, and the checkpoint over what was there before.
    started: (Instant, Timestamp),
    before: Option<Arc<SignedCheckpoint>>,
    /// The time of the newest record of before the start, once it was looked up.
    ended: Option<Timestamp>,
    next: Option<Instant>,
}

impl Daily {
    pub(super) fn new(pruner: Pruner, before: Option<Arc<SignedCheckpoint>>) -> Self {
        let started = (pruner.clock.monotonic(), pruner.clock.now());
        Self { pruner, started, before, ended: None, next: None }
    }

    /// The time of the clock.
    pub(super) fn now(&self) -> Timestamp {
        self.pruner.clock.now()
    }

    /// Removes what is to be removed, when it is time: once the first records since the start are signed, and every day.
    pub(super) fn turn(&mut self, key: &SigningKey, newest: &SignedCheckpoint) -> Option<Result<(), DailyError>> {
        let now = self.pruner.clock.monotonic();
        let before = self.before.as_ref().map_or(0, |before| before.checkpoint().size);
        if newest.checkpoint().size <= before || self.next.is_some_and(|next| now < next) {
            return None;
        }
        let done = self.run(key, newest);
        self.next = now.checked_add(if done.is_ok() { EVERY } else { AGAIN });
        Some(done)
    }

    fn run(&mut self, key: &SigningKey, newest: &SignedCheckpoint) -> Result<(), DailyError> {
        let Some(plan) = self.pruner.plan(newest)? else { return Ok(()) };
        let (now, believed) = (self.now(), self.believed()?);
        if now > believed {
            return Err(DailyError::Clock { now, believed });
        }
        Ok(self.pruner.run(plan, key)?)
    }

    /// The latest time that it can be.
    fn believed(&mut self) -> Result<Timestamp, PruneError> {
        let (monotonic, wall) = self.started;
        let ended = match (self.ended, &self.before) {
            (Some(ended), _) => ended,
            (None, Some(before)) => newest_time(&self.pruner.dir, before)?.map_or(wall, |(_, time)| time),
            (None, None) => wall,
        };
        self.ended = Some(ended);
        let since = self.pruner.clock.monotonic().saturating_duration_since(monotonic);
        let since = SignedDuration::try_from(since).unwrap_or(SignedDuration::MAX);
        Ok(ended.saturating_add(since.saturating_add(STOOD)).unwrap_or(Timestamp::MAX))
    }
}

#[cfg(test)]
mod tests;
