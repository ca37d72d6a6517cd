//! What is recorded: one closed set of kinds, and the fields of NEN 7513 (what, when, about whom, by whom, on whose behalf).

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::medmij::{CorrelationId, Hostname, LocalId, ProviderName, RequestId, ServiceId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The node started and its log is open.
    NodeStarted,
    /// The node stopped in order.
    NodeStopped,
    /// A new set of lists came into force.
    ListsSwapped,
    /// An operator accepted a list that lost many entries (administration).
    ListsAccepted,
    /// A PGO sent a person to us and the request was in order.
    AuthorizationRequested,
    /// An authorization request ended without a code: wrong request, cancelled, not available, refused by the person.
    AuthorizationRefused,
    /// The person logged in.
    PersonAuthenticated,
    /// The person did not log in.
    AuthenticationFailed,
    /// The person consented; a code was issued.
    ConsentGiven,
    /// The person said no.
    ConsentRefused,
    /// A code or refresh token became a token. For a refresh token an intent comes first.
    TokenIssued,
    /// A token request was refused.
    TokenRefused,
    /// A consent ended with all of its tokens: withdrawn, revoked, or because a code or refresh token was used again. Refused:
    /// somebody asked for it and nothing changed.
    GrantEnded,
    /// Data is about to be asked of the HIS and may be disclosed.
    DisclosureIntent,
    /// How the disclosure ended.
    DisclosureOutcome,
    /// A resource that a person shares is about to be sent to the HIS and may be stored.
    SubmissionIntent,
    /// What became of it.
    SubmissionOutcome,
    /// A request for data, or to share some, was refused before the HIS was asked.
    ResourceRefused,
}

impl Kind {
    /// The form in the log, stable over versions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NodeStarted => "node_started",
            Self::NodeStopped => "node_stopped",
            Self::ListsSwapped => "lists_swapped",
            Self::ListsAccepted => "lists_accepted",
            Self::AuthorizationRequested => "authorization_requested",
            Self::AuthorizationRefused => "authorization_refused",
            Self::PersonAuthenticated => "person_authenticated",
            Self::AuthenticationFailed => "authentication_failed",
            Self::ConsentGiven => "consent_given",
            Self::ConsentRefused => "consent_refused",
            Self::TokenIssued => "token_issued",
            Self::TokenRefused => "token_refused",
            Self::GrantEnded => "grant_ended",
            Self::DisclosureIntent => "disclosure_intent",
            Self::DisclosureOutcome => "disclosure_outcome",
            Self::SubmissionIntent => "submission_intent",
            Self::SubmissionOutcome => "submission_outcome",
            Self::ResourceRefused => "resource_refused",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Not ended yet: an intent. Without a later outcome the log says "may have been disclosed".
    Intended,
    /// It was done.
    Done,
    /// We said no.
    Refused,
    /// It failed on our side or behind us.
    Failed,
    /// The other side went away before the end.
    Aborted,
}

impl Outcome {
    /// The form in the log, stable over versions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }
}

/// What stands for a BSN in records: a keyed hash, in hexadecimal, with the id of its key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pseudonym(Arc<str>);

impl Pseudonym {
    /// From the id of the key and the keyed hash.
    #[must_use]
    pub fn new(key_id: &str, hash: [u8; 32]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(key_id.len() + 65);
        let _ = write!(text, "{key_id}:");
        for byte in hash {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text.into())
    }

    /// `<key id>:<64 hexadecimal digits>`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How much was disclosed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Matching entries in the answer.
    pub entries: u32,
    /// Entries of the HIS that the guideline withheld.
    pub withheld: u32,
    /// Bytes of body handed to the connection.
    pub bytes: u64,
}

/// One event. Fields that do not apply are absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When it happened.
    pub time: Timestamp,
    /// What happened.
    pub kind: Kind,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, as a code of our catalogue; for refusals and failures.
    pub reason: Option<&'static str>,
    /// Our id of the request.
    pub local_id: Option<LocalId>,
    /// The client's `MedMij-Request-ID`, when it was well-formed.
    pub request_id: Option<RequestId>,
    /// The client's `X-Correlation-ID`, when it was well-formed.
    pub correlation_id: Option<CorrelationId>,
    /// The PGO or portal on whose behalf it happened.
    pub client_id: Option<Hostname>,
    /// The node at the other end of the mutual TLS connection.
    pub peer: Option<Hostname>,
    /// The practice whose data it is about.
    pub provider: Option<ProviderName>,
    /// The data service.
    pub service: Option<ServiceId>,
    /// The person whose data it is about.
    pub subject: Option<Pseudonym>,
    /// The grant (consent) under which it happened.
    pub grant: Option<LocalId>,
    /// The FHIR request in the catalogue's own words, with no identifier in it.
    pub query: Option<Arc<str>>,
    /// For an outcome: the index of its intent.
    pub intent: Option<u64>,
    /// The HTTP status that was answered.
    pub status: Option<u16>,
    /// How much was disclosed.
    pub counts: Option<Counts>,
    /// Free of personal data: versions of lists, version of the software, how somebody logged in, the extent of a consent.
    pub detail: Option<Arc<str>>,
}

impl AuditEvent {
    /// An event with nothing but its time, kind and outcome.
    #[must_use]
    pub const fn new(time: Timestamp, kind: Kind, outcome: Outcome) -> Self {
        Self {
            time,
            kind,
            outcome,
            reason: None,
            local_id: None,
            request_id: None,
            correlation_id: None,
            client_id: None,
            peer: None,
            provider: None,
            service: None,
            subject: None,
            grant: None,
            query: None,
            intent: None,
            status: None,
            counts: None,
            detail: None,
        }
    }
}
