//! The one table from an error to an answer: status, whose move it is, whether trying again helps, and what may be said.
//! Public texts stand here; nothing internal gets into them.

mod his;
mod sharing;
mod stopped;

use crate::audit::AuditError;
use crate::fhir::read::{NoToken, ReadError};
use crate::fhir::request::RequestError;
use crate::routing::Refusal;

/// Who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// The patient.
    Patient,
    /// The practice.
    Practice,
    /// The maker of the client.
    Pgo,
    /// The supplier of the practice's information system.
    His,
    /// The operator of this gateway.
    Us,
}

impl Who {
    /// The word used in answers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Practice => "practice",
            Self::Pgo => "pgo",
            Self::His => "his",
            Self::Us => "us",
        }
    }
}

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

const fn fault(
    code: &'static str,
    status: u16,
    issue: &'static str,
    who: Who,
    text: &'static str,
    diagnostics: &'static str,
) -> Fault {
    Fault { code, status, issue, who, retry_after_seconds: None, text, diagnostics }
}

const fn passing(seconds: u32, mut fault: Fault) -> Fault {
    fault.retry_after_seconds = Some(seconds);
    fault
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NoRoute => NO_ROUTE,
            ReadError::NoToken(error) => error.into(),
            ReadError::UnknownToken => UNKNOWN_TOKEN,
            ReadError::Refused(refusal) => refusal.into(),
            ReadError::Request(error) => error.into(),
            ReadError::UnknownPage => UNKNOWN_PAGE,
            ReadError::NotAvailable => NOT_AVAILABLE,
            ReadError::NoDocument => NO_DOCUMENT,
            ReadError::NoAdapter => NO_ADAPTER,
            ReadError::His(error) => error.into(),
            ReadError::Shape(_) | ReadError::Xml(_) => NOT_PASSED_ON,
            ReadError::SharedAnswer(_) => sharing::MAYBE_STORED,
            ReadError::Body(error) => error.into(),
            ReadError::Submission(error) => error.into(),
            ReadError::Audit(error) => error.into(),
            ReadError::Store => STORE_DOWN,
            ReadError::Index => INDEX_DOWN,
        }
    }
}

/// The reason in the audit: the code of the answer, or what stands behind it that a client is not told.
#[must_use]
pub fn reason_of(error: ReadError) -> &'static str {
    if let ReadError::Refused(Refusal::NotYet(not_yet)) = error { not_yet.code() } else { Fault::from(error).code }
}

/// A client asks more often than it may.
pub const TOO_MANY: Fault = fault(
    "too-many-requests",
    429,
    "throttled",
    Who::Pgo,
    "Uw app vraagt op dit moment te veel. Probeer het zo opnieuw.",
    "this client asks more often than it may; see Retry-After",
);
/// All places are taken.
pub const NODE_FULL: Fault = fault(
    "node-full",
    503,
    "throttled",
    Who::Us,
    "Het is nu te druk. Probeer het zo opnieuw.",
    "too many requests at once; see Retry-After",
);

const NO_ROUTE: Fault = fault(
    "no-route",
    404,
    "not-found",
    Who::Pgo,
    "Dit adres bestaat niet.",
    "no endpoint at this address; use the endpoints of the ZAL",
);
const UNKNOWN_TOKEN: Fault = fault(
    "unknown-token",
    401,
    "security",
    Who::Pgo,
    "Uw toestemming is niet (meer) geldig. Geef in uw app opnieuw toestemming.",
    "the access token is not known or its grant has ended; start a new authorization",
);
const UNKNOWN_PAGE: Fault = fault(
    "unknown-page",
    404,
    "not-found",
    Who::Pgo,
    "Deze bladzijde van uw gegevens is er niet meer. Haal uw gegevens opnieuw op.",
    "there is no such page for this access token; repeat the search and follow its links with the same token",
);
const NO_DOCUMENT: Fault = fault(
    "no-document",
    404,
    "not-found",
    Who::Practice,
    "Dit document is er niet (meer). Haal de lijst met documenten opnieuw op.",
    "no document that this person may see has this id",
);
const NOT_AVAILABLE: Fault = fault(
    "not-available",
    403,
    "forbidden",
    Who::Practice,
    "Bij deze praktijk zijn voor u geen gegevens beschikbaar. Vraag het na bij uw praktijk.",
    "the care provider makes no data of this person available",
);
const NO_ADAPTER: Fault = fault(
    "no-adapter",
    503,
    "transient",
    Who::Us,
    "De praktijk is nog niet aangesloten. Wij lossen dit op.",
    "the information system of the practice is not connected to this gateway",
);
const NOT_PASSED_ON: Fault = fault(
    "his-answer-unfit",
    502,
    "exception",
    Who::His,
    "Het systeem van de praktijk gaf een antwoord dat wij niet mogen doorgeven. Er is niets getoond. Wij hebben dit vastgelegd.",
    "the answer of the practice's system failed a safety check and was withheld whole",
);
const STORE_DOWN: Fault = passing(
    5,
    fault(
        "store-down",
        503,
        "transient",
        Who::Us,
        "Er is een storing bij ons. Probeer het zo nog eens.",
        "the gateway's store does not answer; try again later",
    ),
);

const INDEX_DOWN: Fault = passing(
    5,
    fault(
        "index-down",
        503,
        "transient",
        Who::Us,
        "Er is een storing bij ons. Er is niets getoond. Probeer het zo nog eens.",
        "the index of the gateway's access log does not answer; try again later",
    ),
);

impl From<NoToken> for Fault {
    fn from(error: NoToken) -> Self {
        match error {
            NoToken::Missing => fault(
                "no-token",
                401,
                "login",
                Who::Pgo,
                "Uw app stuurde geen bewijs van toestemming mee.",
                "send the access token in the Authorization header (RFC 6750 section 2.1)",
            ),
            NoToken::Malformed => fault(
                "malformed-token",
                401,
                "login",
                Who::Pgo,
                "Uw app stuurde het bewijs van toestemming verkeerd mee.",
                "exactly one Authorization header with scheme Bearer is needed (RFC 6750 section 2.1)",
            ),
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ListsTooOld => LISTS_TOO_OLD,
            Refusal::Expired => TOKEN_EXPIRED,
            Refusal::OtherCertificate => OTHER_CERTIFICATE,
            Refusal::PeerNotListed => PEER_NOT_LISTED,
            Refusal::PeerNotOfClient => PEER_NOT_OF_CLIENT,
            Refusal::ClientNotListed => CLIENT_NOT_LISTED,
            Refusal::OtherProvider => OTHER_PROVIDER,
            Refusal::ServiceNotGranted => SERVICE_NOT_GRANTED,
            Refusal::UnknownService => UNKNOWN_SERVICE,
            Refusal::NotOffered => NOT_OFFERED,
            // Whom a pilot is for is between the practice and its patients.
            Refusal::NotServed | Refusal::NotYet(_) => PRACTICE_CLOSED,
            Refusal::PortalOnClientList => PORTAL_ON_CLIENT_LIST,
            Refusal::PracticeNotRegistered => PRACTICE_NOT_REGISTERED,
            Refusal::TypeNotGranted => TYPE_NOT_GRANTED,
            Refusal::ServiceNotRegistered => SERVICE_NOT_REGISTERED,
            Refusal::Stopped(halt) => stopped::fault_of(halt),
        }
    }
}

const LISTS_TOO_OLD: Fault = passing(
    60,
    fault(
        "lists-too-old",
        503,
        "transient",
        Who::Us,
        "Wij kunnen nu niet nagaan wie er vraagt. Er is niets getoond. Probeer het later nog eens.",
        "the MedMij lists of the gateway are older than allowed; try again later",
    ),
);
const TOKEN_EXPIRED: Fault = fault(
    "token-expired",
    401,
    "expired",
    Who::Pgo,
    "De toestemming is verlopen. Geef in uw app opnieuw toestemming.",
    "the access token is expired; start a new authorization",
);
const PEER_NOT_LISTED: Fault = fault(
    "peer-not-listed",
    403,
    "forbidden",
    Who::Pgo,
    "Uw app is niet (meer) toegelaten tot MedMij.",
    "the host name of the client certificate is not on the MedMij whitelist",
);
const PEER_NOT_OF_CLIENT: Fault = fault(
    "peer-not-of-client",
    403,
    "forbidden",
    Who::Pgo,
    "Uw app mag deze toestemming niet gebruiken.",
    "the token was issued to another client than the one this certificate may act for",
);
const CLIENT_NOT_LISTED: Fault = fault(
    "client-not-listed",
    403,
    "forbidden",
    Who::Pgo,
    "Uw app is niet (meer) toegelaten tot MedMij.",
    "the client is not on the OAuth client list",
);
const OTHER_CERTIFICATE: Fault = fault(
    "other-certificate",
    401,
    "security",
    Who::Pgo,
    "Uw app mag deze toestemming niet gebruiken.",
    "the access token is bound to another client certificate (RFC 8705 section 3)",
);
const OTHER_PROVIDER: Fault = fault(
    "other-provider",
    403,
    "forbidden",
    Who::Pgo,
    "U gaf toestemming voor een andere praktijk.",
    "the access token is for another care provider than the one addressed",
);
const SERVICE_NOT_GRANTED: Fault = fault(
    "service-not-granted",
    403,
    "forbidden",
    Who::Pgo,
    "Uw toestemming geldt niet voor deze gegevens.",
    "the access token does not cover this data service",
);
const UNKNOWN_SERVICE: Fault = fault(
    "unknown-service",
    404,
    "not-found",
    Who::Pgo,
    "Dit adres bestaat niet.",
    "no such data service in this FHIR version",
);
const NOT_OFFERED: Fault = fault(
    "not-offered",
    403,
    "forbidden",
    Who::Practice,
    "De praktijk biedt deze gegevens niet aan.",
    "the ZAL does not list this data service for this care provider",
);
const PRACTICE_CLOSED: Fault = fault(
    "practice-closed",
    403,
    "forbidden",
    Who::Practice,
    "De praktijk heeft inzage niet opengesteld. Vraag het na bij uw praktijk.",
    "the care provider is not open for access",
);

const PORTAL_ON_CLIENT_LIST: Fault = fault(
    "portal-on-client-list",
    403,
    "forbidden",
    Who::Us,
    "Wij hebben deze website verkeerd aangemeld. Er is niets getoond. Wij lossen dit op.",
    "the client is registered here as a portal, but it is on the OAuth client list of MedMij",
);
const PRACTICE_NOT_REGISTERED: Fault = fault(
    "practice-not-registered",
    403,
    "forbidden",
    Who::Practice,
    "De praktijk heeft deze website niet toegelaten. Vraag het na bij uw praktijk.",
    "the registration of this portal does not name this care provider",
);
const TYPE_NOT_GRANTED: Fault = fault(
    "type-not-granted",
    403,
    "forbidden",
    Who::Pgo,
    "Uw toestemming geldt niet voor deze gegevens.",
    "the scope of the access token does not name this type of resource",
);
const SERVICE_NOT_REGISTERED: Fault = fault(
    "service-not-registered",
    403,
    "forbidden",
    Who::Practice,
    "De praktijk laat deze gegevens niet op deze website zien.",
    "the registration of this portal does not name this data service",
);

impl From<RequestError> for Fault {
    fn from(error: RequestError) -> Self {
        let (code, status, issue, diagnostics) = match error {
            RequestError::UnknownType => {
                ("unknown-type", 404, "not-supported", "this data service has no such resource type")
            }
            RequestError::NotOffered => (
                "no-such-interaction",
                404,
                "not-supported",
                "this data service does not have this interaction; /metadata under its base names those that it has",
            ),
            RequestError::BadPath => ("bad-path", 400, "invalid", "the path is no FHIR interaction"),
            RequestError::Method(_) => {
                ("method-not-allowed", 405, "not-supported", "the header Allow names the methods of this path")
            }
            RequestError::Media => (
                "bad-media-type",
                415,
                "not-supported",
                "the body has a media type, format or FHIR version that is not taken here",
            ),
            RequestError::TooLarge => ("form-too-large", 413, "too-long", "the form of a search is over 64 KiB"),
            RequestError::NotAcceptable => (
                "not-acceptable",
                406,
                "not-supported",
                "only the formats that /metadata names can be served, in the FHIR version of this endpoint",
            ),
            RequestError::BadEncoding => {
                ("bad-encoding", 400, "invalid", "the parameters are not properly percent-encoded UTF-8")
            }
            RequestError::UnknownParameter => (
                "unknown-parameter",
                400,
                "not-supported",
                "a search parameter is not part of this search; see the information standard",
            ),
            RequestError::Repeated => ("repeated-parameter", 400, "invalid", "a search parameter stands twice"),
            RequestError::BadValue => {
                ("bad-value", 400, "value", "a value is outside what this search allows; see the information standard")
            }
            RequestError::MissingParameter => {
                ("missing-parameter", 400, "required", "a required search parameter is missing")
            }
        };
        fault(code, status, issue, Who::Pgo, "Uw app vroeg iets dat deze dienst niet biedt.", diagnostics)
    }
}

impl From<AuditError> for Fault {
    fn from(error: AuditError) -> Self {
        const TEXT: &str = "Wij kunnen de inzage nu niet vastleggen en tonen daarom niets. Probeer het later nog eens.";
        const DIAGNOSTICS: &str = "access cannot be recorded now, so nothing is disclosed; try again later";
        let code = match error {
            AuditError::Full => "audit-full",
            AuditError::Stopped => "audit-stopped",
            AuditError::Slow => "audit-slow",
            AuditError::NoKey => "audit-no-key",
            AuditError::Busy => "audit-busy",
        };
        passing(10, fault(code, 503, "transient", Who::Us, TEXT, DIAGNOSTICS))
    }
}
