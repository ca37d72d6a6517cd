//! What the statements so far say of the server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::pool::Failure;
use crate::oauth::store::{StoreFailures, StoreFault};

/// The state after the last statement that says something of the store as a whole, and counts of failures.
#[derive(Debug, Default)]
pub(super) struct Condition {
    fault: Mutex<Option<StoreFault>>,
    busy: AtomicU64,
    unreachable: AtomicU64,
    overdue: AtomicU64,
    refused: AtomicU64,
}

impl Condition {
    /// Notes how a statement ended. A refusal that concerns it alone leaves the state as it is.
    pub(super) fn note(&self, failure: Option<&Failure>) {
        match failure {
            None => self.set(None),
            Some(failure) => {
                self.count(failure).fetch_add(1, Ordering::Relaxed);
                if let Some(fault) = failure.fault() {
                    self.set(Some(fault));
                }
            }
        }
    }

    fn count(&self, failure: &Failure) -> &AtomicU64 {
        match (failure, failure.fault()) {
            (Failure::Busy, _) => &self.busy,
            (_, Some(StoreFault::Unreachable | StoreFault::Stopped)) => &self.unreachable,
            (_, Some(StoreFault::Slow)) => &self.overdue,
            (_, Some(StoreFault::Unwritable) | None) => &self.refused,
        }
    }

    /// The server answers, and takes no changes.
    pub(super) fn read_only(&self) {
        self.set(Some(StoreFault::Unwritable));
    }

    fn set(&self, fault: Option<StoreFault>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    pub(super) fn state(&self) -> Result<(), StoreFault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    pub(super) fn failures(&self) -> StoreFailures {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        StoreFailures {
            busy: read(&self.busy),
            unreachable: read(&self.unreachable),
            overdue: read(&self.overdue),
            refused: read(&self.refused),
        }
    }
}
