//! A bundle on its way to a HIS. Each resource in it has a record of its own: an intent that is on disk before the HIS is
//! asked, and exactly one outcome, also when nobody waits for it any more. The request id ties them together.

use std::sync::Arc;

use super::disclosure::{Attempt, Unfinished, broken_off, raise_alarm};
use super::read::ReadError;
use super::shape::submit::{Sent, SubmitFault, Why};
use crate::audit::{self, AuditEvent, AuditLog, AuditReceipt, Kind, Outcome, PendingReceipt};
use crate::clock::SharedClock;
use crate::fault::Fault;
use crate::services::SubmissionKind;

/// Open intents. Dropped without an end, they are recorded as broken off: what became of them is not known.
pub struct Sharing {
    log: Arc<dyn AuditLog>,
    clock: SharedClock,
    /// The outcomes to be, one for each resource that goes.
    open: Vec<AuditEvent>,
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
    ) -> Result<(Self, AuditReceipt), ReadError> {
        let mut sharing = Self { log, clock, open: Vec::new() };
        let mut pending = Vec::new();
        let intents: Vec<_> = parts(&attempt.event, kind, entries).collect();
        for event in intents {
            match sharing.log.append(event.clone()) {
                Ok(receipt) => pending.push(receipt),
                Err(error) => return Err(sharing.failed(ReadError::Audit(error)).await.0),
            }
            attempt.decided();
            sharing.open.push(AuditEvent { kind: Kind::SubmissionOutcome, ..event });
        }
        let mut last = None;
        for (at, pending) in pending.into_iter().enumerate() {
            match audit::receipt(pending).await {
                Ok(receipt) => last = Some(sharing.durable(at, receipt)),
                Err(error) => return Err(sharing.failed(ReadError::Audit(error)).await.0),
            }
        }
        // A bundle of nothing but the person was refused before.
        last.map(|receipt| (sharing, receipt)).ok_or(ReadError::Submission(SubmitFault::from(Why::WrongNumber)))
    }

    fn durable(&mut self, at: usize, receipt: AuditReceipt) -> AuditReceipt {
        if let Some(event) = self.open.get_mut(at) {
            event.intent = Some(receipt.index());
        }
        receipt
    }

    /// The HIS said what became of each; returns when the log has it, as far as it can take it. The intents stand in any case.
    pub async fn stored(mut self, statuses: &[u16]) {
        let mut statuses = statuses.iter();
        let pending = self.finish(|| match statuses.next() {
            Some(status @ 200..300) => End { outcome: Outcome::Done, status: *status, reason: None },
            Some(422) => End { outcome: Outcome::Failed, status: 422, reason: Some("entry-refused") },
            Some(status) => End { outcome: Outcome::Failed, status: *status, reason: Some("entry-failed") },
            None => End { outcome: broken_off(), status: 502, reason: None },
        });
        written(pending).await;
    }

    /// It failed as a whole. Returns when the log has it.
    pub async fn failed(mut self, error: ReadError) -> Unfinished {
        if let Some(event) = self.open.first() {
            raise_alarm(event, error);
        }
        let fault = Fault::from(error);
        let pending = self.finish(|| End { outcome: Outcome::Failed, status: fault.status, reason: Some(fault.code) });
        written(pending).await;
        Unfinished(error)
    }

    fn finish(&mut self, mut end: impl FnMut() -> End) -> Vec<PendingReceipt> {
        let time = self.clock.now();
        let events = std::mem::take(&mut self.open).into_iter();
        let ended = events.map(|event| {
            let End { outcome, status, reason } = end();
            AuditEvent { time, outcome, reason, status: Some(status), ..event }
        });
        ended.filter_map(|event| self.log.append(event).ok()).collect()
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        let time = self.clock.now();
        for event in std::mem::take(&mut self.open) {
            drop(self.log.append(AuditEvent { time, outcome: broken_off(), ..event }));
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

async fn written(pending: Vec<PendingReceipt>) {
    for pending in pending {
        // An outcome that cannot be written leaves the intent alone, which says "may have been stored".
        let _ = audit::receipt(pending).await;
    }
}

#[cfg(test)]
mod tests;
