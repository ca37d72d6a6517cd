//! A disclosure that began: its intent is written, and exactly one outcome will be, also when nobody waits for it any more.

use std::sync::Arc;

use super::read::ReadError;
use crate::audit::{AuditEvent, AuditLog, AuditReceipt, Counts, Kind, Outcome};
use crate::clock::SharedClock;
use crate::fault::Fault;

/// An open disclosure. Dropped without an end, it records that the other side went away.
pub struct Disclosure {
    log: Arc<dyn AuditLog>,
    clock: SharedClock,
    event: Option<AuditEvent>,
}

/// A disclosure that failed after its intent; the outcome is recorded.
pub struct Unfinished(pub ReadError);

impl Disclosure {
    /// Opens it. `event` says who, about whom and what.
    #[must_use]
    pub fn open(log: Arc<dyn AuditLog>, clock: SharedClock, event: AuditEvent) -> Self {
        let event = AuditEvent { kind: Kind::DisclosureOutcome, outcome: Outcome::Aborted, reason: None, ..event };
        Self { log, clock, event: Some(event) }
    }

    /// The data is handed to the connection.
    #[must_use]
    pub fn released(mut self, receipt: &AuditReceipt, counts: Counts) -> Self {
        if let Some(event) = &mut self.event {
            event.intent = Some(receipt.index());
            event.counts = Some(counts);
            event.status = Some(200);
        }
        self
    }

    /// Nothing leaves.
    #[must_use]
    pub fn failed(mut self, receipt: Option<AuditReceipt>, error: ReadError) -> Unfinished {
        if let Some(event) = &mut self.event {
            event.intent = receipt.map(|receipt| receipt.index());
            event.reason = Some(Fault::from(error).code);
            event.counts = None;
        }
        self.finish(Outcome::Failed);
        Unfinished(error)
    }

    /// The transfer ended after this many bytes: complete, or because the other side went away.
    pub fn transferred(mut self, bytes: u64, complete: bool) {
        if let Some(counts) = self.event.as_mut().and_then(|event| event.counts.as_mut()) {
            counts.bytes = bytes;
        }
        self.finish(if complete { Outcome::Done } else { Outcome::Aborted });
    }

    fn finish(&mut self, outcome: Outcome) {
        let Some(mut event) = self.event.take() else { return };
        event.outcome = outcome;
        event.time = self.clock.now();
        // Handed over, not waited for: if it cannot be written the intent stands alone, which says "may have been disclosed".
        drop(self.log.append(event));
    }
}

impl Drop for Disclosure {
    fn drop(&mut self) {
        self.finish(Outcome::Aborted);
    }
}
