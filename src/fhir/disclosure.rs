//! An attempt to read, and the disclosure it may become. An attempt leaves a refusal or an intent in the log, an intent
//! exactly one outcome, also when nobody waits for it any more.

use std::sync::Arc;

use super::read::ReadError;
use crate::audit::{self, AuditError, AuditEvent, AuditLog, AuditReceipt, Counts, Kind, Outcome, PendingReceipt};
use crate::catalogue;
use crate::clock::SharedClock;
use crate::fault::{Fault, reason_of};

/// A request that is not decided yet. Dropped undecided, it is recorded as broken off.
pub struct Attempt {
    log: Arc<dyn AuditLog>,
    undecided: bool,
    /// Who, about whom and what, as far as it is known by now. In a box, as it is large and goes from hand to hand.
    pub event: Box<AuditEvent>,
}

impl Attempt {
    /// Begins it.
    #[must_use]
    pub fn open(log: Arc<dyn AuditLog>, event: AuditEvent) -> Self {
        Self { log, undecided: true, event: Box::new(event) }
    }

    /// It is refused; returns when the log has it. The refusal stands whether or not the log can take it; a log that cannot is
    /// seen in its health.
    pub async fn refused(mut self, error: ReadError) -> Unanswered {
        self.undecided = false;
        let fault = Fault::from(error);
        (self.event.reason, self.event.status) = (Some(reason_of(error)), Some(fault.status));
        Unanswered { error, receipt: on_disk(self.log.append(&self.event).ok()).await }
    }

    /// Whether the log knows how it ended, or that something came of it.
    pub(super) const fn is_decided(&self) -> bool {
        !self.undecided
    }

    /// Its intents are in the log, and their outcomes are the business of who put them there.
    pub(super) const fn decided(&mut self) {
        self.undecided = false;
    }

    /// Puts its intent into the log: from here on there will be an outcome.
    ///
    /// # Errors
    /// When the log does not take it; it is undecided as before.
    pub fn intends(&mut self, clock: SharedClock) -> Result<(PendingReceipt, Disclosure), AuditError> {
        let undecided = (self.event.kind, self.event.outcome);
        (self.event.kind, self.event.outcome) = (Kind::DisclosureIntent, Outcome::Intended);
        let pending =
            self.log.append(&self.event).inspect_err(|_| (self.event.kind, self.event.outcome) = undecided)?;
        self.undecided = false;
        Ok((pending, Disclosure::open(Arc::clone(&self.log), clock, AuditEvent::clone(&self.event))))
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.undecided {
            self.event.outcome = broken_off();
            drop(self.log.append(&self.event));
        }
    }
}

/// What it means that a future is dropped before its end.
pub(super) fn broken_off() -> Outcome {
    if std::thread::panicking() { Outcome::Failed } else { Outcome::Aborted }
}

/// An open disclosure. Dropped without an end, it records that it was broken off.
pub struct Disclosure {
    log: Arc<dyn AuditLog>,
    clock: SharedClock,
    event: Option<Box<AuditEvent>>,
}

/// How a transfer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// The connection took every byte.
    Complete,
    /// The other side went away.
    Aborted,
    /// The consent ended, so we broke it off.
    ConsentEnded,
    /// What came from the HIS may not go on, so we broke it off.
    Failed(ReadError),
}

/// A request that is not answered with data: refused, or failed after its intent.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Unanswered {
    /// Why.
    pub error: ReadError,
    /// Proof that it is on disk: of the refusal or the outcome, or of the intent when that is all that the log could take.
    /// `None` when it could take nothing.
    pub receipt: Option<AuditReceipt>,
}

/// Waits until the log has a record that it took; `None` when it has not.
pub(super) async fn on_disk(pending: Option<PendingReceipt>) -> Option<AuditReceipt> {
    audit::receipt(pending?).await.ok()
}

impl Disclosure {
    /// Opens it. `event` says who, about whom and what.
    #[must_use]
    pub fn open(log: Arc<dyn AuditLog>, clock: SharedClock, event: AuditEvent) -> Self {
        let event = AuditEvent { kind: Kind::DisclosureOutcome, outcome: Outcome::Aborted, reason: None, ..event };
        Self { log, clock, event: Some(Box::new(event)) }
    }

    /// The data is handed to the connection.
    #[must_use]
    pub fn released(mut self, receipt: &AuditReceipt) -> Self {
        if let Some(event) = &mut self.event {
            event.intent = Some(receipt.index());
            event.status = Some(200);
        }
        self
    }

    /// Nothing leaves. Returns when the log has it, so that a failure that was answered is on record.
    pub async fn failed(mut self, intent: Option<AuditReceipt>, error: ReadError) -> Unanswered {
        if let Some(event) = &mut self.event {
            raise_alarm(event, error);
            event.intent = intent.as_ref().map(AuditReceipt::index);
            let fault = Fault::from(error);
            event.reason = Some(reason_of(error));
            event.status = Some(fault.status);
            event.counts = None;
        }
        // The intent stands in any case.
        Unanswered { error, receipt: on_disk(self.finish(Outcome::Failed)).await.or(intent) }
    }

    /// The transfer ended after this much.
    pub fn transferred(mut self, counts: Counts, transfer: Transfer) {
        let (outcome, reason) = match transfer {
            Transfer::Complete => (Outcome::Done, None),
            Transfer::Aborted => (Outcome::Aborted, None),
            Transfer::ConsentEnded => (Outcome::Refused, Some(catalogue::CONSENT_ENDED.code())),
            Transfer::Failed(error) => (Outcome::Failed, Some(reason_of(error))),
        };
        if let Some(event) = &mut self.event {
            if let Transfer::Failed(error) = transfer {
                raise_alarm(event, error);
            }
            event.reason = reason;
            event.counts = Some(counts);
        }
        drop(self.finish(outcome));
    }

    /// Hands the outcome over. If it cannot be written the intent stands alone, which says "may have been disclosed".
    fn finish(&mut self, outcome: Outcome) -> Option<PendingReceipt> {
        let mut event = self.event.take()?;
        event.outcome = outcome;
        event.time = self.clock.now();
        self.log.append(&event).ok()
    }
}

/// Somebody must look at the HIS: what it sent may be of another person. The cause names nothing of the answer. Measured as
/// `inzage_disclosures_total` with the reason of the answer, or `inzage_submissions_total`.
pub(super) fn raise_alarm(event: &AuditEvent, error: ReadError) {
    if let ReadError::Shape(cause) | ReadError::SharedAnswer(cause) = error {
        let provider = event.provider.as_ref().map(tracing::field::display);
        let request = event.local_id.as_ref().map(tracing::field::display);
        tracing::error!(alarm = "his_answer_unfit", %cause, provider, request, "alarm");
    }
}

impl Drop for Disclosure {
    fn drop(&mut self) {
        drop(self.finish(broken_off()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::MemoryLog;
    use crate::clock::TestClock;

    fn clock() -> SharedClock {
        TestClock::at("2026-11-21T12:00:00Z".parse().unwrap())
    }

    fn attempt(log: &Arc<MemoryLog>) -> Attempt {
        Attempt::open(Arc::clone(log) as _, AuditEvent::new(clock().now(), Kind::ResourceRefused, Outcome::Refused))
    }

    fn ends(log: &MemoryLog) -> Vec<(Kind, Outcome, Option<u16>)> {
        log.events().iter().map(|event| (event.kind, event.outcome, event.status)).collect()
    }

    #[tokio::test]
    async fn an_attempt_leaves_exactly_one_end() {
        let log = Arc::new(MemoryLog::default());
        attempt(&log).refused(ReadError::UnknownToken).await;
        drop(attempt(&log));
        let mut becomes = attempt(&log);
        let (_, disclosure) = becomes.intends(clock()).unwrap();
        drop((becomes, disclosure));
        assert_eq!(
            ends(&log),
            [
                (Kind::ResourceRefused, Outcome::Refused, Some(401)),
                (Kind::ResourceRefused, Outcome::Aborted, None),
                (Kind::DisclosureIntent, Outcome::Intended, None),
                (Kind::DisclosureOutcome, Outcome::Aborted, None),
            ]
        );
    }

    #[test]
    fn an_intent_that_the_log_does_not_take_leaves_the_attempt_as_it_was() {
        let log = Arc::new(MemoryLog::default());
        let mut held = attempt(&log);
        let before = held.event.clone();
        log.fail_appends(AuditError::Full);
        assert_eq!(held.intends(clock()).err(), Some(AuditError::Full));
        assert_eq!((&held.event, held.is_decided()), (&before, false));
    }

    /// An attempt that became a disclosure, and the receipt of its intent.
    async fn intended(log: &Arc<MemoryLog>) -> (Disclosure, AuditReceipt) {
        let (pending, disclosure) = attempt(log).intends(clock()).unwrap();
        (disclosure, on_disk(Some(pending)).await.unwrap())
    }

    #[tokio::test]
    async fn what_is_not_answered_names_its_record() {
        let log = Arc::new(MemoryLog::default());
        let index = |unanswered: Unanswered| unanswered.receipt.map(|receipt| receipt.index());
        assert_eq!(index(attempt(&log).refused(ReadError::UnknownToken).await), Some(0));
        let (disclosure, intent) = intended(&log).await;
        assert_eq!(intent.index(), 1);
        assert_eq!(index(disclosure.failed(Some(intent), ReadError::NotAvailable).await), Some(2), "its outcome");
        assert_eq!(log.events()[2].intent, Some(1));
    }

    #[tokio::test]
    async fn a_log_that_takes_nothing_gives_no_receipt_but_that_of_an_intent_it_has() {
        for fail in [MemoryLog::fail_appends, MemoryLog::fail_flushes] {
            let log = Arc::new(MemoryLog::default());
            let (disclosure, intent) = intended(&log).await;
            let (without, _) = intended(&log).await;
            fail(&log, AuditError::Full);
            assert_eq!(attempt(&log).refused(ReadError::UnknownToken).await.receipt, None);
            assert_eq!(without.failed(None, ReadError::Audit(AuditError::Full)).await.receipt, None);
            let failed = disclosure.failed(Some(intent.clone()), ReadError::NotAvailable).await;
            assert_eq!(failed.receipt, Some(intent));
        }
    }

    #[test]
    fn a_panic_is_our_failure_and_not_the_clients_going() {
        let log = Arc::new(MemoryLog::default());
        let held = attempt(&log);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _held = held;
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        assert_eq!(ends(&log), [(Kind::ResourceRefused, Outcome::Failed, None)]);
    }
}
