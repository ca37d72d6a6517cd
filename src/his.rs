//! The port to the practices' information systems (HIS). An adapter has one job: given who and what, make the upstream
//! request and say what the answer means. Dialects are code, installations are configuration.

pub mod about;
mod adapters;
pub mod answer;
pub mod fhir;
pub mod figures;
pub mod pool;
pub mod rest;
pub mod smart;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use bytes::Bytes;
use jiff::civil::Date;

pub use self::about::About;
pub use self::adapters::Adapters;
pub use self::answer::{Answer, AnswerBody, Chunks, Document, Format, HisStream};
pub use self::figures::{BreakerState, DURATION_BOUNDS, Durations, Ending, Figures};
use crate::audit::AuditReceipt;
use crate::medmij::{Bsn, FhirVersion};
use crate::services::{Operation, SubmissionKind};

/// A patient as the HIS knows them. Prints as nothing but its name, so that no log learns who it is.
#[derive(Clone, PartialEq, Eq)]
pub struct HisPatient {
    /// Logical id of the Patient resource in this HIS, in the FHIR version that was asked.
    pub id: String,
    /// Date of birth, for the age rule. Absent when the HIS gives none or an incomplete one.
    pub birth_date: Option<Date>,
}

/// What every question to a HIS has.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The FHIR version of the answer.
    pub fhir: FhirVersion,
    /// Our id of the request, sent along so that both sides can find it.
    pub local_id: &'a str,
    /// After this moment the answer is of no use.
    pub deadline: Instant,
}

/// One search, already allowed: resource type and parameters of our own making, without the patient.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// When, for which request, in which version.
    pub ask: Ask<'a>,
    /// The resource type.
    pub resource: &'a str,
    /// The operation on the type that is asked instead of a search.
    pub operation: Option<Operation>,
    /// Name and value, decoded, in the order to send.
    pub parameters: &'a [(String, String)],
}

/// A batch or transaction to store, already judged: a Bundle in JSON whose subject is the patient's resource in this HIS.
#[derive(Clone)]
pub struct Submission {
    /// Its type.
    pub kind: SubmissionKind,
    /// The Bundle.
    pub body: Bytes,
}

impl fmt::Debug for HisPatient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HisPatient([redacted])")
    }
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Submission({:?}, [redacted], {} bytes)", self.kind, self.body.len())
    }
}

/// Why there is no answer; one variant per reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HisError {
    /// No connection, or it broke before the answer was complete.
    #[error("the HIS cannot be reached, or broke off")]
    Unreachable,
    /// No complete answer before the deadline, or no byte of it for too long.
    #[error("the HIS did not answer in time")]
    TimedOut,
    /// As many requests as allowed are under way to this HIS, or it says itself that it is busy (429 and 503).
    #[error("the HIS takes no more requests now")]
    Busy,
    /// It failed so often that it is left alone for a while.
    #[error("the HIS failed several times and is not asked now")]
    Open,
    /// The HIS refused us: 401 or 403, or a certificate that does not pass.
    #[error("the HIS refused the gateway")]
    Refused,
    /// An answer that means nothing: other status, redirect, wrong media type, not what was asked.
    #[error("the HIS answered with something else than asked for")]
    Nonsense,
    /// An answer over the configured size.
    #[error("the answer of the HIS is larger than allowed")]
    TooLarge,
    /// It has no document of this id (404 or 410).
    #[error("the HIS has no such document")]
    NotFound,
    /// This installation does not have what was asked for: no endpoint of the FHIR version, or no such data.
    #[error("the HIS does not offer this")]
    Unsupported,
    /// The HIS did not take a submission (400, 404, 409, 412 or 422); nothing of it was stored.
    #[error("the HIS did not take what was sent")]
    Rejected,
    /// A submission was sent and what became of it is not known.
    #[error("the HIS did not say what became of what was sent")]
    Unconfirmed,
}

impl HisError {
    /// Whether the same question may be answered soon.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        match self {
            Self::Unreachable | Self::TimedOut | Self::Busy | Self::Open => true,
            Self::Refused
            | Self::Nonsense
            | Self::TooLarge
            | Self::NotFound
            | Self::Unsupported
            | Self::Rejected
            | Self::Unconfirmed => false,
        }
    }
}

/// A future of an adapter.
pub type HisFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, HisError>> + Send + 'a>>;

/// One installation of one dialect.
pub trait HisAdapter: Send + Sync + 'static {
    /// The base URL of the HIS, without trailing slash, as it may stand in its answers; it is rewritten to ours. `None`: the
    /// installation has no endpoint of this version.
    fn base(&self, fhir: FhirVersion) -> Option<&str>;

    /// What the installation says of itself in this version: no patient is needed.
    fn about<'a>(&'a self, ask: Ask<'a>) -> HisFuture<'a, About>;

    /// Whether and how the HIS knows this person. `None`: it does not, or knows more than one. The answer may be one of a
    /// quarter of an hour ago at most.
    fn find_patient<'a>(&'a self, bsn: &'a Bsn, ask: Ask<'a>) -> HisFuture<'a, Option<HisPatient>>;

    /// The same, asked of the HIS at this moment.
    fn ask_patient<'a>(&'a self, bsn: &'a Bsn, ask: Ask<'a>) -> HisFuture<'a, Option<HisPatient>>;

    /// Runs a search restricted to the patient.
    fn search<'a>(&'a self, patient: &'a HisPatient, search: Search<'a>) -> HisFuture<'a, Answer>;

    /// Fetches the page that an earlier answer of this HIS to the same patient named as its next one. An address that does
    /// not lie below [`Self::base`] is never asked: it is [`HisError::Nonsense`].
    fn page<'a>(&'a self, patient: &'a HisPatient, ask: Ask<'a>, next: &'a str) -> HisFuture<'a, Answer>;

    /// Fetches the bytes of a document. Whether it is the patient's is for the caller to know: a HIS does not check it.
    fn binary<'a>(&'a self, patient: &'a HisPatient, ask: Ask<'a>, id: &'a str) -> HisFuture<'a, Document>;

    /// Stores. The receipt proves that the intent is on disk; a submission is sent once and never again.
    fn submit<'a>(
        &'a self,
        patient: &'a HisPatient,
        ask: Ask<'a>,
        submission: Submission,
        receipt: &'a AuditReceipt,
    ) -> HisFuture<'a, Answer>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_patient_nor_a_submission_prints() {
        let patient = HisPatient { id: "pat-1".to_owned(), birth_date: Some(jiff::civil::date(1980, 5, 1)) };
        assert_eq!(format!("{patient:?}"), "HisPatient([redacted])");
        let submission = Submission { kind: SubmissionKind::Batch, body: Bytes::from_static(b"{}") };
        assert_eq!(format!("{submission:?}"), "Submission(Batch, [redacted], 2 bytes)");
    }
}
