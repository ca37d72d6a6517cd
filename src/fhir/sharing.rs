//! A bundle on its way to a HIS. Each resource in it has a record of its own: an intent that is on disk before the HIS is
//! asked, and exactly one outcome, also when nobody waits for it any more. The request id ties them together.

use std::sync::Arc;

use super::disclosure::{Attempt, Unanswered, broken_off, on_disk, raise_alarm};
use super::read::ReadError;
use super::shape::submit::{Sent, SubmitFault, Why};
use crate::audit::{self, AuditEvent, AuditLog, AuditReceipt, Kind, Outcome, PendingReceipt};
use crate::catalogue;
use crate::clock::SharedClock;
use crate::fault::Fault;
use crate::services::SubmissionKind;

/// Open intents. Dropped without an end, they are recorded as broken off: what became of them is not known.
pub struct Sharing {
    log: Arc<dyn AuditLog>,
    clock: SharedClock,
    /// The outcomes to be, one for each resource that goes.
    open: Vec<AuditEvent>,
    /// Proof of the last intent that is on disk.
    intended: Option<AuditReceipt>,
}

/// How one resource ended.
struct End {
    outcome: Outcome,
    status: u16,
    reason: Option<&'static str>,
}

impl Sharing {
    /// Opens it: an intent for each resource that goes. The receipt is that of the last, which is durable only when all are.
    ///
    /// # Errors
    /// When the log cannot take one of them; those that it took have their outcome then.
    pub async fn intend(
        attempt: &mut Attempt,
        log: Arc<dyn AuditLog>,
        clock: SharedClock,
        kind: SubmissionKind,
        entries: &[Sent],
    ) -> Result<(Self, AuditReceipt), Unanswered> {
        let mut sharing = Self { log, clock, open: Vec::new(), intended: None };
        let mut pending = Vec::new();
        let intents: Vec<_> = parts(&attempt.event, kind, entries).collect();
        for event in intents {
            match sharing.log.append(&event) {
                Ok(receipt) => pending.push(receipt),
                Err(error) => return Err(sharing.failed(ReadError::Audit(error)).await),
            }
            attempt.decided();
            sharing.open.push(AuditEvent { kind: Kind::SubmissionOutcome, ..event });
        }
        for (at, pending) in pending.into_iter().enumerate() {
            match audit::receipt(pending).await {
                Ok(receipt) => sharing.durable(at, receipt),
                Err(error) => return Err(sharing.failed(ReadError::Audit(error)).await),
            }
        }
        match sharing.intended.clone() {
            Some(receipt) => Ok((sharing, receipt)),
            // A bundle of nothing but the person was refused before.
            None => Err(sharing.failed(ReadError::Submission(SubmitFault::from(Why::WrongNumber))).await),
        }
    }

    fn durable(&mut self, at: usize, receipt: AuditReceipt) {
        if let Some(event) = self.open.get_mut(at) {
            event.intent = Some(receipt.index());
        }
        self.intended = Some(receipt);
    }

    /// The HIS said what became of each; returns when the log has it, as far as it can take it, with the receipt of the last
    /// that it took. The intents stand in any case.
    pub async fn stored(mut self, statuses: &[u16]) -> Option<AuditReceipt> {
        let mut statuses = statuses.iter();
        let pending = self.finish(|| match statuses.next() {
            Some(status @ 200..300) => End { outcome: Outcome::Done, status: *status, reason: None },
            Some(422) => End { outcome: Outcome::Failed, status: 422, reason: Some(catalogue::ENTRY_REFUSED.code()) },
            Some(status) => {
                End { outcome: Outcome::Failed, status: *status, reason: Some(catalogue::ENTRY_FAILED.code()) }
            }
            None => End { outcome: broken_off(), status: 502, reason: None },
        });
        written(pending).await.or_else(|| self.intended.take())
    }

    /// It failed as a whole. Returns when the log has it.
    pub async fn failed(mut self, error: ReadError) -> Unanswered {
        if let Some(event) = self.open.first() {
            raise_alarm(event, error);
        }
        let fault = Fault::from(error);
        let pending = self.finish(|| End { outcome: Outcome::Failed, status: fault.status, reason: Some(fault.code) });
        Unanswered { error, receipt: written(pending).await.or_else(|| self.intended.take()) }
    }

    fn finish(&mut self, mut end: impl FnMut() -> End) -> Vec<PendingReceipt> {
        let time = self.clock.now();
        let events = std::mem::take(&mut self.open).into_iter();
        let ended = events.map(|event| {
            let End { outcome, status, reason } = end();
            AuditEvent { time, outcome, reason, status: Some(status), ..event }
        });
        ended.filter_map(|event| self.log.append(&event).ok()).collect()
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        let time = self.clock.now();
        for event in std::mem::take(&mut self.open) {
            drop(self.log.append(&AuditEvent { time, outcome: broken_off(), ..event }));
        }
    }
}

/// The intents, in the order of the bundle.
fn parts<'a>(
    event: &'a AuditEvent,
    kind: SubmissionKind,
    entries: &'a [Sent],
) -> impl Iterator<Item = AuditEvent> + 'a {
    let going = entries.iter().enumerate().filter(|(_, sent)| sent.goes);
    going.map(move |(at, sent)| AuditEvent {
        kind: Kind::SubmissionIntent,
        outcome: Outcome::Intended,
        query: Some(format!("create {}", sent.resource).into()),
        detail: Some(format!("entry {} of {} in a {}", at + 1, entries.len(), kind.as_str()).into()),
        ..event.clone()
    })
}

/// Waits for all of them; the receipt of the last that could be written. An outcome that cannot be written leaves the intent
/// alone, which says "may have been stored".
async fn written(pending: Vec<PendingReceipt>) -> Option<AuditReceipt> {
    let mut last = None;
    for pending in pending {
        last = on_disk(Some(pending)).await.or(last);
    }
    last
}

#[cfg(test)]
mod tests;
