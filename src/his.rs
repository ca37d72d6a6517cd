//! The port to the practices' information systems (HIS). An adapter has one job: given who and what, make the upstream
//! request and say what the answer means. Dialects are code, installations are configuration.

pub mod fhir;
pub mod pool;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use bytes::Bytes;
use jiff::civil::Date;

use crate::medmij::Bsn;

/// A patient as the HIS knows them. Prints as nothing but its name, so that no log learns who it is.
#[derive(Clone, PartialEq, Eq)]
pub struct HisPatient {
    /// Logical id of the Patient resource in this HIS.
    pub id: String,
    /// Date of birth, for the age rule. Absent when the HIS gives none or an incomplete one.
    pub birth_date: Option<Date>,
}

/// One search, already allowed: resource type and parameters of our own making, without the patient.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The resource type.
    pub resource: &'a str,
    /// Name and value, decoded, in the order to send.
    pub parameters: &'a [(String, String)],
    /// Our id of the request, sent along so that both sides can find it.
    pub local_id: &'a str,
    /// After this moment the answer is of no use.
    pub deadline: Instant,
}

/// What the HIS answered to a search: the whole body, a searchset Bundle by its own account. Prints as its length.
#[derive(Clone)]
pub struct Answer {
    /// The body.
    pub body: Bytes,
}

impl fmt::Debug for HisPatient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HisPatient([redacted])")
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer([redacted], {} bytes)", self.body.len())
    }
}

/// Why there is no answer; one variant per reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HisError {
    /// No connection, or it broke before the answer was complete.
    #[error("the HIS cannot be reached, or broke off")]
    Unreachable,
    /// No complete answer before the deadline.
    #[error("the HIS did not answer in time")]
    TimedOut,
    /// As many requests as allowed are under way to this HIS.
    #[error("the HIS has as many requests under way as it may get")]
    Busy,
    /// The HIS refused us: 401 or 403, or a certificate that does not pass.
    #[error("the HIS refused the gateway")]
    Refused,
    /// An answer that means nothing: other status, redirect, wrong media type, not what was asked.
    #[error("the HIS answered with something else than asked for")]
    Nonsense,
    /// An answer over the configured size.
    #[error("the answer of the HIS is larger than allowed")]
    TooLarge,
}

/// A future of an adapter.
pub type HisFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, HisError>> + Send + 'a>>;

/// One installation of one dialect.
pub trait HisAdapter: Send + Sync + 'static {
    /// The base URL of the HIS, without trailing slash, as it may stand in its answers; it is rewritten to ours.
    fn base(&self) -> &str;

    /// Whether and how the HIS knows this person. `None`: it does not, or knows more than one. The answer may be one of a
    /// quarter of an hour ago at most.
    fn find_patient<'a>(
        &'a self,
        bsn: &'a Bsn,
        local_id: &'a str,
        deadline: Instant,
    ) -> HisFuture<'a, Option<HisPatient>>;

    /// The same, asked of the HIS at this moment.
    fn ask_patient<'a>(
        &'a self,
        bsn: &'a Bsn,
        local_id: &'a str,
        deadline: Instant,
    ) -> HisFuture<'a, Option<HisPatient>>;

    /// Runs a search restricted to the patient.
    fn search<'a>(&'a self, patient: &'a HisPatient, search: Search<'a>) -> HisFuture<'a, Answer>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_patient_nor_an_answer_prints() {
        let patient = HisPatient { id: "pat-1".to_owned(), birth_date: Some(jiff::civil::date(1980, 5, 1)) };
        assert_eq!(format!("{patient:?}"), "HisPatient([redacted])");
        assert_eq!(format!("{:?}", Answer { body: Bytes::from_static(b"{}") }), "Answer([redacted], 2 bytes)");
    }
}
