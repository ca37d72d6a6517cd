//! How far the counting is, for whoever shows what was counted: a page, the metrics, readiness.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// Why records are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CountFault {
    /// The index of the audit log does not give its records; it is tried again.
    #[error("the audit index does not answer")]
    Index,
    /// The store does not take what was counted; it is tried again.
    #[error("the store does not take what was counted")]
    Store,
    /// The key that makes marks is missing; it is looked for again.
    #[error("the counting key is missing: run `inzage audit keys create`")]
    NoKey,
    /// A record was written by a later release: a node of that release counts on from there.
    #[error("a record is of a later release")]
    LaterRelease,
    /// What is kept was written by another release; everything is counted anew by a command.
    #[error("what was counted cannot be read, and has to be counted anew")]
    OtherRelease,
}

/// How far it is.
#[derive(Debug, Default)]
pub struct CountProgress {
    state: Mutex<State>,
    records: AtomicU64,
    unreadable: AtomicU64,
    unnamed: AtomicU64,
    raced: AtomicU64,
    failures: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    counted_until: Option<Timestamp>,
    fault: Option<CountFault>,
    behind: u64,
}

/// What this node counted since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CountCounts {
    /// Records.
    pub records: u64,
    /// Those of them that are no records of any release.
    pub unreadable: u64,
    /// Viewings of somebody who cannot be told from others, because the key of their year is not held.
    pub unnamed: u64,
    /// Batches that another node was quicker with.
    pub raced: u64,
    /// Failures.
    pub failures: u64,
}

impl CountProgress {
    /// Until when everything that was in the index is counted; `None` before that was so once.
    #[must_use]
    pub fn counted_until(&self) -> Option<Timestamp> {
        self.state().counted_until
    }

    /// Since when not everything in the index is counted.
    #[must_use]
    pub fn lag(&self, now: Timestamp) -> Duration {
        let since = self.counted_until().and_then(|until| Duration::try_from(now.duration_since(until)).ok());
        since.unwrap_or_default()
    }

    /// Records in the index that are not counted, when that was last looked at.
    #[must_use]
    pub fn behind(&self) -> u64 {
        self.state().behind
    }

    /// Whether records are counted.
    ///
    /// # Errors
    /// Why not.
    pub fn health(&self) -> Result<(), CountFault> {
        self.state().fault.map_or(Ok(()), Err)
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counts(&self) -> CountCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CountCounts {
            records: read(&self.records),
            unreadable: read(&self.unreadable),
            unnamed: read(&self.unnamed),
            raced: read(&self.raced),
            failures: read(&self.failures),
        }
    }

    /// So many records are left.
    pub(super) fn is_behind(&self, records: u64) {
        self.state().behind = records;
    }

    /// A batch was counted, and some of it could not be read.
    pub(super) fn counted(&self, records: usize, unreadable: usize) {
        self.records.fetch_add(u64::try_from(records).unwrap_or_default(), Ordering::Relaxed);
        self.unreadable.fetch_add(u64::try_from(unreadable).unwrap_or_default(), Ordering::Relaxed);
    }

    /// So many viewings were of nobody who can be told from others.
    pub(super) fn unnamed(&self, viewings: u64) {
        self.unnamed.fetch_add(viewings, Ordering::Relaxed);
    }

    /// Another node was quicker.
    pub(super) fn raced(&self) {
        self.raced.fetch_add(1, Ordering::Relaxed);
    }

    /// At this moment everything that was in the index was counted.
    pub(super) fn caught_up(&self, at: Timestamp) {
        let mut state = self.state();
        state.fault = None;
        state.behind = 0;
        state.counted_until = state.counted_until.max(Some(at));
    }

    /// It is not counted now.
    pub(crate) fn failed(&self, fault: CountFault) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.state().fault = Some(fault);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
