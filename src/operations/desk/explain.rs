//! What would become of a request, for who may see the state of the node; and what became of one, for who may see what others did.

use std::time::Duration;

use super::{Desk, DeskError};
use crate::audit::{AuditEvent, Counts, Kind, Outcome, Record, Subject, receipt};
use crate::explain::past::{Past, Wanted, look};
use crate::operations::explain::{ExplanationView, PastView, PastWish, QuestionView, Seen, answer};
use crate::operations::operators::{Reads, Reviews, Right};
use crate::operations::switch::Reason;

/// How long a search may take; somebody waits for the answer.
const SEARCH_DEADLINE: Duration = Duration::from_secs(10);

impl Desk {
    /// Explains. Whether one person has a place in a field test or pilot is for who may see what others did, and on record.
    ///
    /// # Errors
    /// When the question cannot be read, or their role does not allow it, or it cannot be recorded.
    pub async fn explain(&self, by: &Reads, question: &QuestionView) -> Result<ExplanationView, DeskError> {
        let question = question.read(&self.snapshot.load()).map_err(DeskError::Question)?;
        if question.person().is_somebody() {
            let allowed = Reviews::of(by.person().clone()).is_ok();
            let outcome = if allowed { Outcome::Done } else { Outcome::Refused };
            let event = AuditEvent {
                provider: Some(question.provider().clone()),
                service: Some(question.service().clone()),
                client_id: Some(question.client().clone()),
                reason: (!allowed).then_some("not-their-role"),
                detail: Some("explains for one person".into()),
                ..self.event(by.person(), Kind::Administration, outcome)
            };
            receipt(self.audit.append(&event)?).await?;
            if !allowed {
                return Err(DeskError::NotAllowed);
            }
        }
        Ok(answer(&self.snapshot.load(), (&self.sources.his, Seen::Live), &question, self.clock.now()))
    }

    /// Looks up a request of the past, and records the look before it shows anything. Who the person is, is not shown.
    ///
    /// # Errors
    /// When the wish cannot be read, the index does not answer, or the look cannot be recorded.
    pub async fn look_back(&self, by: &Reviews, wish: &PastWish) -> Result<PastView, DeskError> {
        let wanted = Wanted::read(&wish.id, wish.day.as_deref()).map_err(DeskError::Past)?;
        let why = Reason::parse(&wish.reason).ok_or(DeskError::Reason)?;
        let found = tokio::time::timeout(SEARCH_DEADLINE, look(&*self.index, &wanted)).await;
        let (from, to) = wanted.period();
        let mut event = self.event(by.person(), Kind::LogRead, Outcome::Done);
        event.query = Some(format!("request={}&from={from:.0}&to={to:.0}", wish.id.trim()).into());
        event.detail = Some(why.as_str().into());
        let Ok(Ok(past)) = found else {
            self.note(AuditEvent { outcome: Outcome::Failed, reason: Some("index-down"), ..event }).await;
            return Err(DeskError::Index);
        };
        let receipt = receipt(self.audit.append(&about(event, &past))?).await?;
        Ok(PastView::of(&past, receipt.to_string()))
    }
}

/// The look, with whose request it was.
fn about(event: AuditEvent, past: &Past) -> AuditEvent {
    let entries = u32::try_from(past.records.len()).unwrap_or(u32::MAX);
    let counts = Some(Counts { entries, ..Counts::default() });
    let Some(first) = past.records.first() else { return AuditEvent { counts, ..event } };
    AuditEvent {
        provider: first.provider.clone(),
        client_id: first.client_id.clone(),
        service: first.service.clone(),
        subject: past.records.iter().find_map(subject),
        counts,
        ..event
    }
}

fn subject(record: &Record) -> Option<Subject> {
    let (pseudonym, sealed) = record.subject.clone().zip(record.sealed.clone())?;
    Some(Subject { pseudonym, sealed })
}
