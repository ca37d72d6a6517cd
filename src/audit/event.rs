//! What is recorded: the fields of NEN 7513 (what, when, about whom, by whom, on whose behalf).

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Authorization, Kind, Outcome, Relation, Subject, User};
use crate::medmij::{CorrelationId, Hostname, LocalId, ProviderName, RequestId, ServiceId};

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
    /// The person's visit to our pages.
    pub session: Option<LocalId>,
    /// The PGO or portal on whose behalf it happened.
    pub client_id: Option<Hostname>,
    /// The node at the other end of the mutual TLS connection.
    pub peer: Option<Hostname>,
    /// The address of the other end of the connection.
    pub access_point: Option<IpAddr>,
    /// The practice whose data it is about.
    pub provider: Option<ProviderName>,
    /// The data service.
    pub service: Option<ServiceId>,
    /// Who did it; absent for whom the kind says.
    pub user: Option<User>,
    /// Under which rules it was allowed (autorisatieprotocol).
    pub authorization: Option<Authorization>,
    /// What ties the user to the person (behandelrelatieprotocol); absent for what follows from the user.
    pub relation: Option<Relation>,
    /// The person whose data it is about.
    pub subject: Option<Subject>,
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
            session: None,
            client_id: None,
            peer: None,
            access_point: None,
            provider: None,
            service: None,
            user: None,
            authorization: None,
            relation: None,
            subject: None,
            grant: None,
            query: None,
            intent: None,
            status: None,
            counts: None,
            detail: None,
        }
    }

    /// Who did it.
    #[must_use]
    pub fn acting(&self) -> User {
        self.user.clone().unwrap_or_else(|| self.kind.user())
    }

    /// What ties them to the person whose data it is. A person, and who acts on their behalf, need no treatment relation.
    #[must_use]
    pub fn tie(&self) -> Option<Relation> {
        let own = matches!(self.acting().principal(), User::Person) && self.subject.is_some();
        self.relation.or(own.then_some(Relation::OwnRecord))
    }
}
