//! The codes of DICOM, IHE and HL7 for what the log records: one table for FHIR and for the audit message of DICOM.

use super::interaction::Interaction;
use crate::audit::{Kind, Outcome, Record};

/// A code of a code system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) system: &'static str,
    pub(super) code: &'static str,
    pub(super) display: &'static str,
}

const fn code(system: &'static str, code: &'static str, display: &'static str) -> Code {
    Code { system, code, display }
}

pub(super) const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const INTERACTION: &str = "http://hl7.org/fhir/restful-interaction";
pub(super) const IHE: &str = "urn:ihe:event-type-code";
const AUTHZ: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType";
const LIFECYCLE: &str = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle";

/// A call of the RESTful API.
pub(super) const REST: Code = code(EVENT_TYPE, "rest", "Restful Operation");
// DICOM PS3.15 A.5.3 and PS3.16 CID 400 (event) and 401 (event type).
pub(super) const APPLICATION_ACTIVITY: Code = code(DCM, "110100", "Application Activity");
pub(super) const AUDIT_LOG_USED: Code = code(DCM, "110101", "Audit Log Used");
pub(super) const EXPORT: Code = code(DCM, "110106", "Export");
pub(super) const IMPORT: Code = code(DCM, "110107", "Import");
pub(super) const QUERY: Code = code(DCM, "110112", "Query");
pub(super) const SECURITY_ALERT: Code = code(DCM, "110113", "Security Alert");
pub(super) const USER_AUTHENTICATION: Code = code(DCM, "110114", "User Authentication");
const APPLICATION_START: Code = code(DCM, "110120", "Application Start");
const APPLICATION_STOP: Code = code(DCM, "110121", "Application Stop");
const LOGIN: Code = code(DCM, "110122", "Login");
const SECURITY_CONFIGURATION: Code = code(DCM, "110129", "Security Configuration");
const RESTRICTED_FUNCTION: Code = code(DCM, "110132", "Use of Restricted Function");
const SECURITY_ATTRIBUTES: Code = code(DCM, "110135", "Object Security Attributes Changed");
/// IUA: authorization request, code and token are one transaction.
const GET_ACCESS_TOKEN: Code = code(IHE, "ITI-71", "Get Access Token");
const BY_CONSENT: Code = code(AUTHZ, "AuthZ-Consent", "Authorization Decision using Roles and Consent");
const DISCLOSE: Code = code(LIFECYCLE, "disclose", "Disclose Record Lifecycle Event");
const READ: Code = code(INTERACTION, "read", "read");
const SEARCH: Code = code(INTERACTION, "search-type", "search-type");
const OPERATION: Code = code(INTERACTION, "operation", "operation");
const CREATE: Code = code(INTERACTION, "create", "create");

// PS3.16 CID 402 (role of a participant).
pub(super) const APPLICATION: Code = code(DCM, "110150", "Application");
pub(super) const DESTINATION: Code = code(DCM, "110152", "Destination Role ID");
pub(super) const SOURCE: Code = code(DCM, "110153", "Source Role ID");

/// Which pattern an event follows: who takes part, and in which role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// A request to the API (BALP 3:5.7.3).
    Rest(Interaction<'a>),
    /// What a person decides about a consent, or what becomes of it (BALP 3:5.7.6).
    Consent,
    /// From the authorization request to the token (IUA ITI-71).
    Token,
    /// A person proves who they are.
    Login,
    /// Records of the log leave (BALP 3:5.7.7).
    Disclosure,
    /// The log is read.
    LogUsed,
    /// Work on the node, or by the node alone.
    Node,
}

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Event<'a> {
    pub(super) pattern: Pattern<'a>,
    /// Its FHIR type; `None` for a kind of a later release.
    pub(super) id: Option<Code>,
    pub(super) subtype: Option<Code>,
    /// `C`, `R`, `U`, `D` or `E`, as the profile of the pattern has it.
    pub(super) action: char,
}

impl<'a> Event<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        let Some(kind) = record.kind.known() else {
            return Self { pattern: Pattern::Node, id: None, subtype: None, action: 'E' };
        };
        let event = |pattern, id, subtype, action| Self { pattern, id: Some(id), subtype: Some(subtype), action };
        match kind {
            Kind::NodeStarted => event(Pattern::Node, APPLICATION_ACTIVITY, APPLICATION_START, 'E'),
            Kind::NodeStopped => event(Pattern::Node, APPLICATION_ACTIVITY, APPLICATION_STOP, 'E'),
            Kind::ConfigurationChanged
            | Kind::ListsSwapped
            | Kind::ListsAccepted
            | Kind::AccessStopped
            | Kind::AccessRestored
            | Kind::GoLiveChanged => event(Pattern::Node, SECURITY_ALERT, SECURITY_CONFIGURATION, 'U'),
            Kind::OverviewRead => event(Pattern::Node, SECURITY_ALERT, RESTRICTED_FUNCTION, 'R'),
            Kind::Administration => event(Pattern::Node, SECURITY_ALERT, RESTRICTED_FUNCTION, 'E'),
            Kind::AuthorizationRequested | Kind::AuthorizationRefused | Kind::TokenIssued | Kind::TokenRefused => {
                event(Pattern::Token, USER_AUTHENTICATION, GET_ACCESS_TOKEN, 'E')
            }
            Kind::PersonAuthenticated | Kind::AuthenticationFailed => {
                event(Pattern::Login, USER_AUTHENTICATION, LOGIN, 'E')
            }
            Kind::ConsentGiven | Kind::ConsentRefused => event(Pattern::Consent, SECURITY_ALERT, BY_CONSENT, 'E'),
            Kind::ConsentWithdrawn | Kind::GrantEnded => {
                event(Pattern::Consent, SECURITY_ALERT, SECURITY_ATTRIBUTES, 'D')
            }
            Kind::DisclosureIntent
            | Kind::DisclosureOutcome
            | Kind::SubmissionIntent
            | Kind::SubmissionOutcome
            | Kind::ResourceRefused => Self::rest(Interaction::of(record)),
            Kind::LogRead => Self { subtype: None, ..event(Pattern::LogUsed, AUDIT_LOG_USED, READ, 'R') },
            Kind::LogExported => event(Pattern::Disclosure, EXPORT, DISCLOSE, 'R'),
        }
    }

    /// A search is `E` and a read is `R`, as the profiles have them; what the records lack is no reason to leave `E`.
    const fn rest(interaction: Interaction<'a>) -> Self {
        let (subtype, action) = match interaction {
            Interaction::Read(_) => (Some(READ), 'R'),
            Interaction::Search(_) => (Some(SEARCH), 'E'),
            Interaction::Operation(_) => (Some(OPERATION), 'E'),
            Interaction::Create(_) => (Some(CREATE), 'C'),
            Interaction::Unknown => (None, 'E'),
        };
        Self { pattern: Pattern::Rest(interaction), id: Some(REST), subtype, action }
    }
}

/// The outcome indicator (RFC 3881 section 5.1.4; the code system `audit-event-outcome` has the same): 0 success, 4 minor
/// failure, 8 serious failure, 12 major failure, after which the node does not work. `None` for what has not ended.
pub(super) fn outcome_indicator(record: &Record) -> Option<u8> {
    match record.outcome.known()? {
        Outcome::Intended => None,
        Outcome::Done => Some(0),
        Outcome::Refused | Outcome::Aborted => Some(4),
        Outcome::Failed if record.kind.known().is_some_and(is_of_node) => Some(12),
        Outcome::Failed => Some(8),
    }
}

const fn is_of_node(kind: Kind) -> bool {
    matches!(kind, Kind::NodeStarted | Kind::NodeStopped)
}
