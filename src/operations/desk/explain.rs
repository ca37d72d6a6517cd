//! What would become of a request, for who may see the state of the node.

use super::{Desk, DeskError};
use crate::audit::{AuditEvent, Kind, Outcome, receipt};
use crate::operations::explain::{ExplanationView, QuestionView, Seen, answer};
use crate::operations::operators::{Reads, Reviews, Right};

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
}
