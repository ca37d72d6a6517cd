//! The one table from an error to an answer: the status and the FHIR issue type of each; whose move it is, whether trying again helps
//! and what may be said stand in the [`catalogue`].

mod his;
mod sharing;
mod stopped;

pub use crate::catalogue::Who;

use crate::audit::AuditError;
use crate::catalogue::{self, Again, Entry};
use crate::fhir::read::{NoToken, ReadError};
use crate::fhir::request::RequestError;
use crate::routing::Refusal;

/// An answer that is not data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Our code of it; also the reason in the audit.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The FHIR issue type.
    pub issue: &'static str,
    /// Who can do something about it.
    pub who: Who,
    /// Seconds after which trying again may help.
    pub retry_after_seconds: Option<u32>,
    /// For people, in Dutch.
    pub text: &'static str,
    /// For developers, in English.
    pub diagnostics: &'static str,
}

/// The answer that goes with an entry of the catalogue.
const fn fault(entry: Entry, status: u16, issue: &'static str) -> Fault {
    let retry_after_seconds = match entry.again() {
        Again::After(seconds) => Some(seconds),
        Again::Never | Again::Later => None,
    };
    Fault {
        code: entry.code(),
        status,
        issue,
        who: entry.who(),
        retry_after_seconds,
        text: entry.nl(),
        diagnostics: entry.diagnostics(),
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NoRoute => fault(catalogue::NO_ROUTE, 404, "not-found"),
            ReadError::NoToken(error) => error.into(),
            ReadError::UnknownToken => fault(catalogue::UNKNOWN_TOKEN, 401, "security"),
            ReadError::Refused(refusal) => refusal.into(),
            ReadError::Request(error) => error.into(),
            ReadError::UnknownPage => fault(catalogue::UNKNOWN_PAGE, 404, "not-found"),
            ReadError::NotAvailable => fault(catalogue::NOT_AVAILABLE, 403, "forbidden"),
            ReadError::NoDocument => NO_DOCUMENT,
            ReadError::NoAdapter => fault(catalogue::NO_ADAPTER, 503, "transient"),
            ReadError::His(error) => error.into(),
            ReadError::Shape(_) | ReadError::Xml(_) => fault(catalogue::NOT_PASSED_ON, 502, "exception"),
            ReadError::SharedAnswer(_) => sharing::MAYBE_STORED,
            ReadError::Body(error) => error.into(),
            ReadError::Submission(error) => error.into(),
            ReadError::Audit(error) => error.into(),
            ReadError::Store => fault(catalogue::STORE_DOWN, 503, "transient"),
            ReadError::Index => fault(catalogue::INDEX_DOWN, 503, "transient"),
        }
    }
}

/// The reason in the audit: the code of the answer, or what stands behind it that a client is not told.
#[must_use]
pub fn reason_of(error: ReadError) -> &'static str {
    if let ReadError::Refused(Refusal::NotYet(not_yet)) = error { not_yet.code() } else { Fault::from(error).code }
}

/// A client asks more often than it may.
pub const TOO_MANY: Fault = fault(catalogue::TOO_MANY, 429, "throttled");
/// All places are taken.
pub const NODE_FULL: Fault = fault(catalogue::NODE_FULL, 503, "throttled");

const NO_DOCUMENT: Fault = fault(catalogue::NO_DOCUMENT, 404, "not-found");

impl From<NoToken> for Fault {
    fn from(error: NoToken) -> Self {
        match error {
            NoToken::Missing => fault(catalogue::NO_TOKEN, 401, "login"),
            NoToken::Malformed => fault(catalogue::MALFORMED_TOKEN, 401, "login"),
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ListsTooOld => fault(catalogue::LISTS_TOO_OLD, 503, "transient"),
            Refusal::Expired => fault(catalogue::TOKEN_EXPIRED, 401, "expired"),
            Refusal::OtherCertificate => fault(catalogue::OTHER_CERTIFICATE, 401, "security"),
            Refusal::PeerNotListed => fault(catalogue::PEER_NOT_LISTED, 403, "forbidden"),
            Refusal::PeerNotOfClient => fault(catalogue::PEER_NOT_OF_CLIENT, 403, "forbidden"),
            Refusal::ClientNotListed => fault(catalogue::CLIENT_NOT_LISTED, 403, "forbidden"),
            Refusal::OtherProvider => fault(catalogue::OTHER_PROVIDER, 403, "forbidden"),
            Refusal::ServiceNotGranted => fault(catalogue::SERVICE_NOT_GRANTED, 403, "forbidden"),
            Refusal::UnknownService => fault(catalogue::UNKNOWN_SERVICE, 404, "not-found"),
            Refusal::NotOffered => fault(catalogue::NOT_OFFERED, 403, "forbidden"),
            // Whom a pilot is for is between the practice and its patients.
            Refusal::NotServed | Refusal::NotYet(_) => fault(catalogue::PRACTICE_CLOSED, 403, "forbidden"),
            Refusal::PortalOnClientList => fault(catalogue::PORTAL_ON_CLIENT_LIST, 403, "forbidden"),
            Refusal::PracticeNotRegistered => fault(catalogue::PRACTICE_NOT_REGISTERED, 403, "forbidden"),
            Refusal::TypeNotGranted => fault(catalogue::TYPE_NOT_GRANTED, 403, "forbidden"),
            Refusal::ServiceNotRegistered => fault(catalogue::SERVICE_NOT_REGISTERED, 403, "forbidden"),
            Refusal::Stopped(halt) => stopped::fault_of(halt),
        }
    }
}

impl From<RequestError> for Fault {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::UnknownType => fault(catalogue::UNKNOWN_TYPE, 404, "not-supported"),
            RequestError::NotOffered => fault(catalogue::NO_SUCH_INTERACTION, 404, "not-supported"),
            RequestError::BadPath => fault(catalogue::BAD_PATH, 400, "invalid"),
            RequestError::Method(_) => fault(catalogue::METHOD_NOT_ALLOWED, 405, "not-supported"),
            RequestError::Media => fault(catalogue::BAD_MEDIA_TYPE, 415, "not-supported"),
            RequestError::TooLarge => fault(catalogue::FORM_TOO_LARGE, 413, "too-long"),
            RequestError::NotAcceptable => fault(catalogue::NOT_ACCEPTABLE, 406, "not-supported"),
            RequestError::BadEncoding => fault(catalogue::BAD_ENCODING, 400, "invalid"),
            RequestError::UnknownParameter => fault(catalogue::UNKNOWN_PARAMETER, 400, "not-supported"),
            RequestError::Repeated => fault(catalogue::REPEATED_PARAMETER, 400, "invalid"),
            RequestError::BadValue => fault(catalogue::BAD_VALUE, 400, "value"),
            RequestError::MissingParameter => fault(catalogue::MISSING_PARAMETER, 400, "required"),
        }
    }
}

impl From<AuditError> for Fault {
    fn from(error: AuditError) -> Self {
        let entry = match error {
            AuditError::Full => catalogue::AUDIT_FULL,
            AuditError::Stopped => catalogue::AUDIT_STOPPED,
            AuditError::Slow => catalogue::AUDIT_SLOW,
            AuditError::NoKey => catalogue::AUDIT_NO_KEY,
            AuditError::Busy => catalogue::AUDIT_BUSY,
        };
        fault(entry, 503, "transient")
    }
}
