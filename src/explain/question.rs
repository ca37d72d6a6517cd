//! A question about a request that nobody sent, read from text.

use jiff::Timestamp;

use crate::fhir::capability::METADATA;
use crate::fhir::request::{Accept, Asked, Media, Prefer, Verb};
use crate::medmij::{Bsn, FhirVersion, Hostname, ProviderName, ServiceId, holds_bsn};
use crate::oauth::smart_scope::SmartScope;
use crate::practices::golive::{Mark, Whom};
use crate::routing::{Snapshot, resource_base};

/// Longest text of a request, in bytes.
pub const REQUEST_MAX: usize = 2_000;
/// What the numbers begin with that are given to nobody, so that systems can be tested with them.
const TEST_NUMBERS: &str = "9999";

/// A question, as somebody wrote it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written<'a> {
    /// The practice, `name@medmij`.
    pub provider: &'a str,
    /// The id of the service.
    pub service: &'a str,
    /// The client_id of the PGO or portal.
    pub client: &'a str,
    /// The name in the certificate of the node; empty for each that may act for the client.
    pub peer: &'a str,
    /// The scope of the token of a portal; empty for all of the service.
    pub scope: &'a str,
    /// When the person consented, RFC 3339; empty for before the present stage.
    pub consented: &'a str,
    /// A method, GET when there is none, and what follows the base, or a whole path that begins with `/fhir/`.
    pub request: &'a str,
}

/// Who would ask, as far as it matters for field tests and pilots.
#[derive(Debug, Clone)]
pub enum Person {
    /// Somebody without a place.
    Stranger,
    /// Somebody with a place.
    Seated,
    /// Whoever has this mark.
    Marked(Mark),
    /// A person.
    Known(Bsn),
}

/// A question that can be answered.
#[derive(Debug, Clone)]
pub struct Question {
    client: Hostname,
    names: Vec<Hostname>,
    provider: ProviderName,
    service: ServiceId,
    scope: Option<SmartScope>,
    consented: Option<Timestamp>,
    person: Person,
    verb: Verb,
    path: String,
    query: Option<String>,
}

/// Why a question cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum QuestionFault {
    /// No name of a practice.
    #[error("say which practice, as name@medmij")]
    Provider,
    /// No id of a service.
    #[error("say which service, by its id in the lists")]
    Service,
    /// No client_id.
    #[error("say which PGO or portal, by its client_id")]
    Client,
    /// No host name.
    #[error("say which node, by the name in its certificate, or nothing for each that may act for the client")]
    Peer,
    /// No scope that the service has something of.
    #[error("the scope names nothing that the service gives")]
    Scope,
    /// No moment.
    #[error("say when the person consented as 2026-11-01T12:00:00Z, or nothing for before the present stage")]
    Consented,
    /// No request.
    #[error(
        "say what is asked: a method or none, and what follows the base or a whole path, in at most 2000 characters"
    )]
    Request,
    /// It asks what a service allows, which needs no token.
    #[error("/metadata needs no token and no consent: ask for it")]
    Metadata,
    /// There is a citizen service number in it.
    #[error("no citizen service number may stand in a question")]
    Bsn,
    /// No number of a test patient.
    #[error("a test patient has a citizen service number that begins with 9999")]
    TestPatient,
    /// No mark.
    #[error("a mark has 64 hexadecimal digits")]
    Mark,
}

impl Person {
    /// A test patient, by a number that is nobody's.
    ///
    /// # Errors
    /// `TestPatient`.
    pub fn test_patient(number: &str) -> Result<Self, QuestionFault> {
        let number = Some(number.trim()).filter(|number| number.starts_with(TEST_NUMBERS));
        let bsn = number.and_then(|number| Bsn::parse(number).ok());
        bsn.map(Self::Known).ok_or(QuestionFault::TestPatient)
    }

    /// Whoever has this mark, in hexadecimal.
    ///
    /// # Errors
    /// `Mark`.
    pub fn marked(text: &str) -> Result<Self, QuestionFault> {
        Mark::parse(text).map(Self::Marked).ok_or(QuestionFault::Mark)
    }

    /// Whether it is one person, of whom the answer tells whether they take part.
    #[must_use]
    pub const fn is_somebody(&self) -> bool {
        matches!(self, Self::Marked(_) | Self::Known(_))
    }

    pub(super) const fn as_whom(&self) -> Whom<'_> {
        match self {
            Self::Stranger => Whom::Stranger,
            Self::Seated => Whom::Seated,
            Self::Marked(mark) => Whom::Marked(mark),
            Self::Known(bsn) => Whom::Person(bsn),
        }
    }
}

impl Question {
    /// Reads a question, in the world that it is about.
    ///
    /// # Errors
    /// See [`QuestionFault`].
    pub fn read(written: Written<'_>, person: Person, snapshot: &Snapshot) -> Result<Self, QuestionFault> {
        let Written { provider, service, client, peer, scope, consented, request } = written;
        if [provider, service, client, peer, scope, request].into_iter().any(holds_bsn) {
            return Err(QuestionFault::Bsn);
        }
        let provider = ProviderName::parse(provider.trim()).map_err(|_| QuestionFault::Provider)?;
        let service = ServiceId::parse(service.trim()).map_err(|_| QuestionFault::Service)?;
        let client = Hostname::parse(client.trim()).map_err(|_| QuestionFault::Client)?;
        let known = snapshot.services.service(service.as_str());
        let (verb, path, query) = line(request.trim()).ok_or(QuestionFault::Request)?;
        let path = match path.strip_prefix("/fhir/") {
            Some(_) => path.to_owned(),
            None => {
                let base = resource_base("", &provider, &service, known.map_or(FhirVersion::Stu3, |known| known.fhir));
                [base.as_str(), path].join("/").trim_end_matches('/').to_owned()
            }
        };
        if path.rsplit('/').next() == Some(METADATA) {
            return Err(QuestionFault::Metadata);
        }
        let scope = match (scope.trim(), known) {
            ("", _) => None,
            (text, Some(service)) => Some(SmartScope::parse(text, service).map_err(|_| QuestionFault::Scope)?),
            (_, None) => return Err(QuestionFault::Scope),
        };
        let consented = Some(consented.trim()).filter(|text| !text.is_empty()).map(str::parse).transpose();
        Ok(Self {
            names: names(peer.trim(), &client, snapshot)?,
            consented: consented.map_err(|_| QuestionFault::Consented)?,
            query: query.map(str::to_owned),
            client,
            provider,
            service,
            scope,
            person,
            verb,
            path,
        })
    }

    /// The client.
    #[must_use]
    pub const fn client(&self) -> &Hostname {
        &self.client
    }

    /// The names in the certificate at the other end.
    #[must_use]
    pub fn names(&self) -> &[Hostname] {
        &self.names
    }

    /// The practice that the token is for.
    #[must_use]
    pub const fn provider(&self) -> &ProviderName {
        &self.provider
    }

    /// The service that it covers.
    #[must_use]
    pub const fn service(&self) -> &ServiceId {
        &self.service
    }

    /// The types of resource that it covers.
    #[must_use]
    pub const fn scope(&self) -> Option<&SmartScope> {
        self.scope.as_ref()
    }

    /// When the person consented, when that is said.
    #[must_use]
    pub const fn consented(&self) -> Option<Timestamp> {
        self.consented
    }

    /// Who asks.
    #[must_use]
    pub const fn person(&self) -> &Person {
        &self.person
    }

    /// The path that is asked.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is asked there: in any format, and with a body of the right media type where there is one.
    pub(super) fn asked(&self, version: FhirVersion) -> Asked<'_> {
        let body = if self.path.ends_with("/_search") { FORM } else { RESOURCE };
        let media = if self.verb == Verb::Post { Media::of(Some(body), version) } else { Media::Other };
        Asked {
            verb: self.verb,
            query: self.query.as_deref(),
            form: Ok(None),
            accept: Accept::ANYTHING,
            media,
            prefer: Prefer::default(),
        }
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const RESOURCE: &str = "application/fhir+json";

/// Method, path and query.
fn line(text: &str) -> Option<(Verb, &str, Option<&str>)> {
    let (verb, rest) = match text.split_once(' ') {
        Some(("GET", rest)) => (Verb::Get, rest.trim_start()),
        Some(("POST", rest)) => (Verb::Post, rest.trim_start()),
        Some((method, rest)) if method.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            (Verb::Other, rest.trim_start())
        }
        Some(_) => return None,
        None => (Verb::Get, text),
    };
    let fits = text.len() <= REQUEST_MAX && !rest.contains(|c: char| c.is_whitespace() || c.is_control());
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    fits.then_some((verb, path, query))
}

fn names(peer: &str, client: &Hostname, snapshot: &Snapshot) -> Result<Vec<Hostname>, QuestionFault> {
    if peer.is_empty() {
        return Ok(snapshot.clients.nodes_of(client));
    }
    Ok(vec![Hostname::parse(peer).map_err(|_| QuestionFault::Peer)?])
}
