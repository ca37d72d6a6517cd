//! Sharing, the story in order: token, decision, shape of the request, its body, judging, the intents on disk, HIS, shaping,
//! outcomes. The HIS is called with the receipt, and once: what was sent is never sent again.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::{Admitted, ReadError, Reader, Request, Unread};
use crate::audit::AuditReceipt;
use crate::availability::is_of_age;
use crate::fhir::disclosure::{Attempt, Unanswered};
use crate::fhir::request::{Floors, Format, Interaction, RequestError, Return, SubmitShape};
use crate::fhir::shape::submit::{Answering, Echo, Outgoing, Stored, Submission, Why, judge_submission, shape_stored};
use crate::fhir::shape::{Record, ShapeFault};
use crate::fhir::sharing::Sharing;
use crate::fhir::xml;
use crate::his::{Answer, AnswerBody, Ask, HisAdapter, HisError, HisPatient};
use crate::his::{Format as Written, Submission as Sending};
use crate::medmij::FhirVersion;
use crate::routing::{Permit, resource_base};
use crate::trace::{self, Step};

/// The body of a request, read when it is known that it may come.
pub trait Incoming: Send {
    /// All of it.
    fn whole(&mut self, max_bytes: usize) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, BodyFault>> + Send + '_>>;
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// Larger than allowed.
    #[error("the body is larger than allowed")]
    TooLarge,
    /// It did not come in time.
    #[error("the body did not come in time")]
    Slow,
    /// It broke off.
    #[error("the body broke off")]
    Broken,
}

/// What was shared, and what is said about it.
pub struct Shared {
    /// The body, JSON.
    pub body: Vec<u8>,
    /// In which format it is asked.
    pub format: Format,
    /// Proof that all intents are on disk.
    pub receipt: AuditReceipt,
}

/// What one submission works with.
struct Work<'a> {
    permit: Permit<'a>,
    shape: SubmitShape<'a>,
    floors: Floors,
    adapter: &'a dyn HisAdapter,
    local_id: String,
}

impl Reader {
    /// Passes on what a person shares, or says why not. Refusals are in the audit before this returns. To be run to its end:
    /// what has begun may be stored.
    ///
    /// # Errors
    /// See [`ReadError`]; it comes with the receipt of its record.
    pub async fn share(&self, request: &Request<'_>, body: &mut dyn Incoming) -> Result<Shared, Unanswered> {
        let mut attempt = Attempt::open(Arc::clone(&self.audit), self.event(request));
        let shared = self.pass_on(request, body, &mut attempt).await;
        self.note_in_chain(&attempt.event, shared.as_ref().err().map(Unread::error));
        match shared {
            Ok(shared) => Ok(shared),
            Err(unread) => Err(unread.recorded(attempt).await),
        }
    }

    async fn pass_on(
        &self,
        request: &Request<'_>,
        body: &mut dyn Incoming,
        attempt: &mut Attempt,
    ) -> Result<Shared, Unread> {
        let presented = self.presented(request, &mut attempt.event).await?;
        let Admitted { permit, floors, demand } = presented.admitted(request, &mut attempt.event)?;
        let Interaction::Submit(shape) = demand.interaction else {
            return Err(ReadError::Request(RequestError::NotOffered).into());
        };
        attempt.event.query = Some(shape.submission.kind.as_str().into());
        let adapter = presented.snapshot.adapters.of(&permit.practice().his).ok_or(ReadError::NoAdapter)?;
        let local_id = request.local_id.to_string();
        let work = Work { permit, shape, floors, adapter: adapter.as_ref(), local_id };
        let sent = body.whole(self.submit_limit_bytes).await.map_err(ReadError::Body)?;
        trace::enter(Step::Shape, &*self.clock);
        let submission = work.judged(&sent)?;
        drop(sent);
        let (receipt, body) = self.send(attempt, &work, submission, demand.format).await?;
        Ok(Shared { body, format: demand.format, receipt })
    }

    /// From here on something may be stored, so the intents come first.
    async fn send(
        &self,
        attempt: &mut Attempt,
        work: &Work<'_>,
        submission: Submission,
        format: Format,
    ) -> Result<(AuditReceipt, Vec<u8>), Unread> {
        let (log, clock) = (Arc::clone(&self.audit), Arc::clone(&self.clock));
        let kind = work.shape.submission.kind;
        trace::enter(Step::Audit, &*self.clock);
        let intended = Sharing::intend(attempt, log, clock, kind, submission.entries()).await;
        let (sharing, receipt) = match intended {
            Ok(intended) => intended,
            Err(unanswered) if attempt.is_decided() => return Err(unanswered.into()),
            Err(Unanswered { error, .. }) => return Err(error.into()),
        };
        trace::enter(Step::His, &*self.clock);
        let stored = self.stored(work, submission, &receipt).await;
        trace::enter(Step::Audit, &*self.clock);
        match stored {
            Ok(Stored { body, statuses }) => {
                let ended = sharing.stored(&statuses).await;
                match written(body, format, work.permit.service().fhir) {
                    Ok(body) => Ok((receipt, body)),
                    Err(error) => Err(Unanswered { error, receipt: ended }.into()),
                }
            }
            Err(error) => Err(sharing.failed(error).await.into()),
        }
    }

    async fn stored(
        &self,
        work: &Work<'_>,
        submission: Submission,
        receipt: &AuditReceipt,
    ) -> Result<Stored, ReadError> {
        let (grant, service) = (work.permit.grant(), work.permit.service());
        let ask =
            Ask { fhir: service.fhir, local_id: &work.local_id, deadline: self.clock.monotonic() + self.his_deadline };
        let found = work.adapter.find_patient(&grant.subject, ask).await.map_err(ReadError::His)?;
        let patient = found.filter(|patient| work.is_old_enough(patient)).ok_or(ReadError::NotAvailable)?;
        let mut outgoing = submission.addressed(&patient.id).map_err(ReadError::Submission)?;
        let body = Bytes::from(std::mem::take(&mut outgoing.body));
        let sending = Sending { kind: work.shape.submission.kind, body };
        let answer = work.adapter.submit(&patient, ask, sending, receipt).await.map_err(ReadError::His)?;
        let written = answer.format;
        let answer = self.whole(answer).await?;
        let answer = match written {
            Written::Json => answer,
            Written::Xml => xml::to_json(&answer, service.fhir).map_err(|_| UNREADABLE)?,
        };
        let our_base = resource_base(&self.origin, &grant.provider, &service.id, service.fhir);
        let his_base = work.adapter.base(service.fhir).ok_or(ReadError::His(HisError::Unsupported))?;
        let record =
            Record { fhir: service.fhir, patient_id: &patient.id, bsn: &grant.subject, his_base, our_base: &our_base };
        work.answered(&answer, &outgoing, record).map_err(ReadError::SharedAnswer)
    }

    /// The answer repeats what was sent, so it may be as large as that and what a HIS adds.
    async fn whole(&self, answer: Answer) -> Result<Vec<u8>, ReadError> {
        const UNKNOWN: ReadError = ReadError::His(HisError::Unconfirmed);
        let mut stream = match answer.body {
            AnswerBody::Whole(body) => return Ok(body.into()),
            AnswerBody::Large(stream) => stream,
        };
        let mut whole = Vec::new();
        while let Some(chunk) = stream.chunk().await {
            whole.extend_from_slice(&chunk.map_err(|_| UNKNOWN)?);
            if whole.len() > self.submit_limit_bytes.saturating_mul(2) {
                return Err(UNKNOWN);
            }
        }
        Ok(whole)
    }
}

/// What was stored is stored, but how it is called there cannot be said.
const UNREADABLE: ReadError = ReadError::SharedAnswer(ShapeFault::Unreadable { element: "response" });

/// The answer in the format that was asked.
fn written(json: Vec<u8>, format: Format, fhir: FhirVersion) -> Result<Vec<u8>, ReadError> {
    match format {
        Format::Json => Ok(json),
        Format::Xml => xml::to_xml(&json, fhir).map_err(|_| UNREADABLE),
    }
}

impl Work<'_> {
    fn judged(&self, sent: &[u8]) -> Result<Submission, ReadError> {
        let (bsn, fhir) = (&self.permit.grant().subject, self.permit.service().fhir);
        let sent = match self.shape.format {
            Format::Json => Cow::Borrowed(sent),
            Format::Xml => {
                Cow::Owned(xml::to_json(sent, fhir).map_err(|_| ReadError::Submission(Why::NotFhir.into()))?)
            }
        };
        judge_submission(&sent, self.shape.submission, fhir, bsn).map_err(ReadError::Submission)
    }

    fn is_old_enough(&self, patient: &HisPatient) -> bool {
        is_of_age(patient.birth_date, self.permit.practice(), self.floors.today)
    }

    fn answered(&self, answer: &[u8], outgoing: &Outgoing, record: Record<'_>) -> Result<Stored, ShapeFault> {
        let echo = match self.shape.wants {
            // MedMij clients expect what they sent.
            Return::Unsaid | Return::Representation => Echo::Representation,
            Return::Minimal => Echo::Minimal,
            Return::OperationOutcome => Echo::Outcome,
        };
        let answering = Answering { record, kind: self.shape.submission.kind, echo, reference: &self.local_id };
        shape_stored(answer, outgoing, &answering)
    }
}
