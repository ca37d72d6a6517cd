//! How far the receiver is, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// How far the log was sent.
#[derive(Debug)]
pub struct SyslogProgress {
    durable: watch::Receiver<u64>,
    next: AtomicU64,
    records: AtomicU64,
    unreadable: AtomicU64,
    failures: AtomicU64,
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
}

impl SyslogProgress {
    /// Of a log that tells how many of its records are durable.
    #[must_use]
    pub const fn new(durable: watch::Receiver<u64>) -> Self {
        let [next, records, unreadable, failures] = [const { AtomicU64::new(0) }; 4];
        Self { durable, next, records, unreadable, failures }
    }

    /// Every record before this one was handed over.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> SyslogCounts {
        SyslogCounts {
            behind: self.durable.borrow().saturating_sub(self.next()),
            records: self.records.load(Ordering::Relaxed),
            unreadable: self.unreadable.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }

    pub(super) fn began(&self, next: u64) {
        self.next.store(next, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn took(&self, next: u64, records: u64, unreadable: u64) {
        self.records.fetch_add(records, Ordering::Relaxed);
        self.unreadable.fetch_add(unreadable, Ordering::Relaxed);
        self.next.store(next, Ordering::Relaxed);
    }
}
