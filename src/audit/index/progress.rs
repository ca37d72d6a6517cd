//! How far the index is, for whoever shows what it says: a page, the metrics, readiness.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

/// Why the index is not filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IndexFault {
    /// The index cannot be opened; it is rebuilt by a command.
    #[error("the audit index cannot be opened")]
    Closed,
    /// The store does not take records; it is tried again.
    #[error("the store of the audit index does not answer")]
    Store,
    /// The log cannot be read; it is tried again.
    #[error("the audit log cannot be read into its index")]
    Log,
    /// The index has something else under the name of this log: one of them was put back or replaced.
    #[error("the audit index holds another log under this id")]
    Diverged,
}

/// How far the log is in the index.
#[derive(Debug)]
pub struct IndexProgress {
    durable: watch::Receiver<u64>,
    next: watch::Sender<u64>,
    state: Mutex<State>,
    records: AtomicU64,
    unreadable: AtomicU64,
    failures: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    complete_until: Option<Timestamp>,
    fault: Option<IndexFault>,
}

/// How far the index is behind the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lag {
    /// Records that are durable and not in the index.
    pub records: u64,
    /// Since when it is not complete.
    pub time: Duration,
}

/// What was counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexCounts {
    /// Records added.
    pub records: u64,
    /// Those of them that this release cannot read.
    pub unreadable: u64,
    /// Failures.
    pub failures: u64,
}

impl IndexProgress {
    /// Of a log that tells how many of its records are durable, before the first look at the index.
    #[must_use]
    pub fn new(durable: watch::Receiver<u64>) -> Self {
        Self {
            durable,
            next: watch::Sender::new(0),
            state: Mutex::default(),
            records: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }
    }

    /// Every record before this one is in the index.
    #[must_use]
    pub fn next(&self) -> u64 {
        *self.next.borrow()
    }

    /// Waits until record `index` of this log is in the index; for ever when it cannot be filled, so give it a deadline.
    pub async fn reached(&self, index: u64) {
        // The sender lives as long as this.
        let _ = self.next.subscribe().wait_for(|next| *next > index).await;
    }

    /// Until when the index holds everything that this node recorded; `None` when that is not known yet.
    #[must_use]
    pub fn complete_until(&self, now: Timestamp) -> Option<Timestamp> {
        let state = self.state();
        if state.complete_until.is_some() && self.lag_records() == 0 { Some(now) } else { state.complete_until }
    }

    /// How far it is behind.
    #[must_use]
    pub fn lag(&self, now: Timestamp) -> Lag {
        let since = self.complete_until(now).and_then(|until| Duration::try_from(now.duration_since(until)).ok());
        Lag { records: self.lag_records(), time: since.unwrap_or_default() }
    }

    /// Whether it is filled.
    ///
    /// # Errors
    /// Why not.
    pub fn health(&self) -> Result<(), IndexFault> {
        self.state().fault.map_or(Ok(()), Err)
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counts(&self) -> IndexCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        IndexCounts { records: read(&self.records), unreadable: read(&self.unreadable), failures: read(&self.failures) }
    }

    /// The index is at `next`, whose record before it has this time.
    pub(crate) fn began(&self, next: u64, newest: Option<Timestamp>) {
        let mut state = self.state();
        state.complete_until = state.complete_until.or(newest);
        drop(state);
        self.next.send_replace(next);
    }

    pub(crate) fn added(&self, next: u64, newest: Option<Timestamp>, count: usize, unreadable: usize) {
        self.records.fetch_add(u64::try_from(count).unwrap_or_default(), Ordering::Relaxed);
        self.unreadable.fetch_add(u64::try_from(unreadable).unwrap_or_default(), Ordering::Relaxed);
        let mut state = self.state();
        state.fault = None;
        state.complete_until = state.complete_until.max(newest);
        drop(state);
        self.next.send_replace(next);
    }

    /// At this moment everything durable was in the index.
    pub(crate) fn caught_up(&self, at: Timestamp) {
        let mut state = self.state();
        state.fault = None;
        state.complete_until = state.complete_until.max(Some(at));
    }

    /// It is not filled now.
    pub fn failed(&self, fault: IndexFault) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.state().fault = Some(fault);
    }

    fn lag_records(&self) -> u64 {
        self.durable.borrow().saturating_sub(self.next())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
