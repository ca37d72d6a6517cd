//! How far the receiver is, for the metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

/// How far the log was sent.
#[derive(Debug)]
pub struct SyslogProgress {
    durable: watch::Receiver<u64>,
    next: AtomicU64,
    records: AtomicU64,
    unreadable: AtomicU64,
    failures: AtomicU64,
    /// The time of the oldest record that is to be handed over.
    oldest: Mutex<Option<Timestamp>>,
    up: AtomicBool,
}

/// What was counted since the start, and what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyslogCounts {
    /// Records that are durable and not handed over.
    pub behind: u64,
    /// Records handed over.
    pub records: u64,
    /// Records passed over, as this release cannot read them.
    pub unreadable: u64,
    /// Failures, each tried again.
    pub failures: u64,
    /// How old the oldest record is that waits.
    pub lag: Duration,
    /// Whether the last records were taken: not before the first, and not after a failure.
    pub up: bool,
}

/// What one connection carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Taken {
    pub(super) next: u64,
    pub(super) records: u64,
    pub(super) unreadable: u64,
}

impl SyslogProgress {
    /// Of a log that tells how many of its records are durable.
    #[must_use]
    pub const fn new(durable: watch::Receiver<u64>) -> Self {
        let [next, records, unreadable, failures] = [const { AtomicU64::new(0) }; 4];
        let (oldest, up) = (Mutex::new(None), AtomicBool::new(false));
        Self { durable, next, records, unreadable, failures, oldest, up }
    }

    /// Every record before this one was handed over.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self, now: Timestamp) -> SyslogCounts {
        SyslogCounts {
            behind: self.durable.borrow().saturating_sub(self.next()),
            records: self.records.load(Ordering::Relaxed),
            unreadable: self.unreadable.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            lag: self.lag(now),
            up: self.up.load(Ordering::Relaxed),
        }
    }

    /// How old the oldest record is that waits.
    #[must_use]
    pub fn lag(&self, now: Timestamp) -> Duration {
        let since = self.oldest().and_then(|oldest| Duration::try_from(now.duration_since(oldest)).ok());
        since.unwrap_or_default()
    }

    pub(super) fn began(&self, next: u64) {
        self.next.store(next, Ordering::Relaxed);
    }

    pub(super) fn waits(&self, oldest: Option<Timestamp>) {
        *self.oldest() = oldest;
    }

    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.up.store(false, Ordering::Relaxed);
    }

    pub(super) fn took(&self, taken: Taken) {
        self.records.fetch_add(taken.records, Ordering::Relaxed);
        self.unreadable.fetch_add(taken.unreadable, Ordering::Relaxed);
        self.up.store(true, Ordering::Relaxed);
        self.waits(None);
        self.next.store(taken.next, Ordering::Relaxed);
    }

    fn oldest(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.oldest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
