//! A record that is to be written when its time comes.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::audit::AuditEvent;

/// A record in waiting. They stand in the order of time, and of one moment in the order in which they were made.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) event: AuditEvent,
    pub(super) number: u64,
    /// Of which intent it is the outcome.
    pub(super) intent: Option<u64>,
}

impl Due {
    pub(super) const fn new(event: AuditEvent, number: u64) -> Self {
        Self { event, number, intent: None }
    }

    pub(super) fn of(self, intent: u64) -> Self {
        Self { intent: Some(intent), ..self }
    }

    pub(super) const fn at(&self) -> Timestamp {
        self.event.time
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at(), self.number).cmp(&(other.at(), other.number))
    }
}
