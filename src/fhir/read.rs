//! Reading a part of the record, the story in order: token, decision, shape of the request, audit intent, HIS, shaping,
//! receipt, release. What is released carries the receipt of its intent; nothing else can be released.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::ToSpan as _;

use super::disclosure::{Attempt, Disclosure, Unfinished};
use super::query::{Floors, QueryError, SearchShape, parse_search};
use super::shape::{Rules, ShapeFault, Shaping, flagged_episodes, shape_searchset};
use crate::audit::{AuditError, AuditEvent, AuditLog, AuditReceipt, Counts, Kind, Outcome, Pseudonymiser, receipt};
use crate::availability::{dutch_today, is_of_age};
use crate::chainlog::ChainLog;
use crate::clock::SharedClock;
use crate::form::encode_pairs;
use crate::his::{Answer, HisAdapter, HisError, HisPatient, Search};
use crate::medmij::{CorrelationId, LocalId, RequestId};
use crate::oauth::grant::{GrantStore, IssuedToken, TokenStore};
use crate::practices::Practice;
use crate::routing::{Caller, Permit, Refusal, Route, SharedSnapshot, decide, resource_base};
use crate::secret::hash_handle;

/// What reading needs.
pub struct Reader {
    /// The snapshot in force.
    pub snapshot: SharedSnapshot,
    /// The access tokens.
    pub tokens: Arc<dyn TokenStore>,
    /// Whether a consent has ended while its data is on the way.
    pub grants: Arc<dyn GrantStore>,
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// The chain log.
    pub chain: Arc<dyn ChainLog>,
    /// Keyed pseudonyms for the audit.
    pub pseudonyms: Arc<Pseudonymiser>,
    /// The adapters, by id of the HIS installation.
    pub adapters: HashMap<String, Arc<dyn HisAdapter>>,
    /// Time.
    pub clock: SharedClock,
    /// Scheme, host and port of our resource endpoints.
    pub origin: String,
    /// How long all calls to the HIS for one request may take together; well under the 60 s of core.rscint.202.
    pub his_deadline: Duration,
}

/// A request for data as it came in. Without `Debug`: it holds the token.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Our id.
    pub local_id: LocalId,
    /// `MedMij-Request-ID`, when well-formed.
    pub request_id: Option<RequestId>,
    /// `X-Correlation-ID`, when well-formed.
    pub correlation_id: Option<CorrelationId>,
    /// Who is calling.
    pub caller: Caller<'a>,
    /// The path, parsed; `None` when it leads nowhere.
    pub route: Option<Route<'a>>,
    /// The query as it came, without the question mark.
    pub query: Option<&'a str>,
    /// The bearer token, or why there is none.
    pub token: Result<&'a str, NoToken>,
    /// What the method and the headers ask for, or why they cannot be served.
    pub form: Result<(), BadForm>,
}

/// Why a request carries no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoToken {
    /// No `Authorization` header.
    #[error("there is no access token")]
    Missing,
    /// Another scheme, two headers, or characters that no token has (RFC 6750 section 2.1).
    #[error("the Authorization header is malformed")]
    Malformed,
}

/// Why method or headers cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadForm {
    /// Only GET is served.
    #[error("this method is not allowed")]
    Method,
    /// Only application/fhir+json is served.
    #[error("only application/fhir+json can be served")]
    Accept,
}

/// Why a request is not answered with data; one variant per reaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The path leads to no endpoint of ours.
    #[error("there is nothing at this address")]
    NoRoute,
    /// See [`NoToken`].
    #[error(transparent)]
    NoToken(NoToken),
    /// A token that we did not issue, or whose grant ended.
    #[error("the access token is not known")]
    UnknownToken,
    /// See [`Refusal`].
    #[error(transparent)]
    Refused(Refusal),
    /// See [`BadForm`].
    #[error(transparent)]
    Form(BadForm),
    /// See [`QueryError`].
    #[error(transparent)]
    Query(QueryError),
    /// The practice has nothing of this person, or the person is too young. The two are one answer, so that it tells
    /// nothing about treatment relations.
    #[error("the care provider makes no data of this person available")]
    NotAvailable,
    /// The HIS of the practice is not connected to this gateway.
    #[error("the information system of the practice is not connected")]
    NoAdapter,
    /// See [`HisError`].
    #[error(transparent)]
    His(HisError),
    /// See [`ShapeFault`].
    #[error("the answer of the HIS may not be passed on")]
    Shape(ShapeFault),
    /// The audit log cannot take the intent.
    #[error(transparent)]
    Audit(AuditError),
    /// The store does not answer.
    #[error("the token store does not answer")]
    Store,
}

/// Data that may leave: judged, and with the receipt of its audit intent.
pub struct Released {
    /// The body.
    pub body: Vec<u8>,
    /// The consent under which it leaves.
    pub grant: LocalId,
    /// Proof that the intent is on disk.
    pub receipt: AuditReceipt,
    /// Must be told how the transfer ended.
    pub disclosure: Disclosure,
}

impl Reader {
    /// Answers a request with data, or says why not. Refusals are in the audit before this returns.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read(&self, request: Request<'_>) -> Result<Released, ReadError> {
        let mut attempt = Attempt::open(Arc::clone(&self.audit), self.event(&request));
        let disclosed = self.disclose(request, &mut attempt).await;
        self.note_in_chain(&attempt.event, disclosed.as_ref().err().map(Unread::error));
        match disclosed {
            Ok(released) => Ok(released),
            Err(Unread::Intended(error)) => Err(error),
            Err(Unread::Refused(error)) => {
                attempt.refused(error).await;
                Err(error)
            }
        }
    }

    fn event(&self, request: &Request<'_>) -> AuditEvent {
        let mut event = AuditEvent::new(self.clock.now(), Kind::ResourceRefused, Outcome::Refused);
        event.local_id = Some(request.local_id);
        event.request_id = request.request_id;
        event.correlation_id = request.correlation_id;
        event.peer = request.caller.names.first().cloned();
        event
    }

    async fn disclose(&self, request: Request<'_>, attempt: &mut Attempt) -> Result<Released, Unread> {
        let event = &mut attempt.event;
        let route = request.route.ok_or(ReadError::NoRoute)?;
        let token = self.token(request.token).await?;
        self.name_grant(event, &token);
        let snapshot = self.snapshot.load_full();
        let now = self.clock.now();
        let permit = decide(&snapshot, request.caller, &token, route, now).map_err(ReadError::Refused)?;
        event.peer = Some(permit.peer().clone());
        event.service = Some(permit.service().id.clone());
        request.form.map_err(ReadError::Form)?;
        let floors = floors(now, permit.practice());
        let shape = parse_search(permit.service(), route.rest, request.query, floors).map_err(ReadError::Query)?;
        event.query = Some(describe(&shape).into());
        let adapter = self.adapters.get(&permit.practice().his).ok_or(ReadError::NoAdapter)?;
        self.release(request, attempt, Work { permit, shape, floors, adapter: adapter.as_ref() }).await
    }

    async fn token(&self, presented: Result<&str, NoToken>) -> Result<IssuedToken, ReadError> {
        let text = presented.map_err(ReadError::NoToken)?;
        let found = self.tokens.find(hash_handle(text)).await.map_err(|_| ReadError::Store)?;
        found.ok_or(ReadError::UnknownToken)
    }

    fn name_grant(&self, event: &mut AuditEvent, token: &IssuedToken) {
        let grant = &token.grant;
        event.client_id = Some(grant.client.clone());
        event.provider = Some(grant.provider.clone());
        event.subject = Some(self.pseudonyms.at(&grant.subject, event.time));
        event.grant = Some(grant.id);
    }

    /// From here on the HIS is asked, so the intent comes first. It becomes durable while the HIS works.
    async fn release(&self, request: Request<'_>, attempt: &mut Attempt, work: Work<'_>) -> Result<Released, Unread> {
        let intent = AuditEvent { kind: Kind::DisclosureIntent, outcome: Outcome::Intended, ..attempt.event.clone() };
        let pending = self.audit.append(intent).map_err(ReadError::Audit)?;
        let disclosure = attempt.intended(Arc::clone(&self.clock));
        let judged = self.judged(request.local_id, &work).await;
        let receipt = receipt(pending).await;
        match (judged, receipt) {
            (Ok(judged), Ok(receipt)) => Ok(judged.released(receipt, disclosure)),
            (Ok(_), Err(error)) => Err(disclosure.failed(None, ReadError::Audit(error)).await.into()),
            (Err(error), receipt) => Err(disclosure.failed(receipt.ok(), error).await.into()),
        }
    }

    async fn judged(&self, local_id: LocalId, work: &Work<'_>) -> Result<Judged, ReadError> {
        let deadline = self.clock.monotonic() + self.his_deadline;
        let id = local_id.to_string();
        let subject = &work.permit.grant().subject;
        let found = work.adapter.find_patient(subject, &id, deadline).await.map_err(ReadError::His)?;
        let patient = found.filter(|patient| old_enough(patient, work)).ok_or(ReadError::NotAvailable)?;
        let search = |resource, parameters| Search { resource, parameters, local_id: &id, deadline };
        let data = work.adapter.search(&patient, search(&work.shape.search.resource, &work.shape.upstream));
        let (data, flags) = if work.shape.search.needs_flags {
            let flags = work.adapter.search(&patient, search("Flag", &[]));
            let (data, flags) = tokio::try_join!(data, flags).map_err(ReadError::His)?;
            (data, Some(flags))
        } else {
            (data.await.map_err(ReadError::His)?, None)
        };
        self.shape(&patient, work, &data, flags.as_ref()).map_err(ReadError::Shape)
    }

    fn shape(
        &self,
        patient: &HisPatient,
        work: &Work<'_>,
        data: &Answer,
        flags: Option<&Answer>,
    ) -> Result<Judged, ShapeFault> {
        let grant = work.permit.grant();
        let service = work.permit.service();
        let his_base = work.adapter.base();
        let flagged =
            flags.map(|flags| flagged_episodes(&flags.body, &patient.id, &grant.subject, his_base)).transpose()?;
        let rules = Rules {
            access_start: work.permit.practice().access_start,
            results_since: work.floors.results,
            today: work.floors.today,
            flagged_episodes: flagged.unwrap_or_default(),
        };
        let our_base = resource_base(&self.origin, &grant.provider, &service.id, service.fhir);
        let includes: Vec<&str> = work.shape.search.includes.iter().map(String::as_str).collect();
        let shaped = shape_searchset(
            &data.body,
            &Shaping {
                patient_id: &patient.id,
                bsn: &grant.subject,
                his_base,
                our_base: &our_base,
                self_link: &self_link(&our_base, &work.shape),
                resource: &work.shape.search.resource,
                includes: &includes,
                rules: &rules,
            },
        )?;
        let counts = Counts { entries: shaped.entries, withheld: shaped.withheld, bytes: 0 };
        Ok(Judged { body: shaped.body, grant: grant.id, counts })
    }
}

/// What one disclosure works with.
struct Work<'a> {
    permit: Permit<'a>,
    shape: SearchShape<'a>,
    floors: Floors,
    adapter: &'a dyn HisAdapter,
}

struct Judged {
    body: Vec<u8>,
    grant: LocalId,
    counts: Counts,
}

impl Judged {
    fn released(self, receipt: AuditReceipt, disclosure: Disclosure) -> Released {
        let disclosure = disclosure.released(&receipt, self.counts);
        Released { body: self.body, grant: self.grant, receipt, disclosure }
    }
}

/// Why there is nothing to release, and whether the log already knows.
enum Unread {
    /// Refused before the intent.
    Refused(ReadError),
    /// Failed after the intent; the outcome is recorded.
    Intended(ReadError),
}

impl Unread {
    const fn error(&self) -> ReadError {
        match self {
            Self::Refused(error) | Self::Intended(error) => *error,
        }
    }
}

impl From<ReadError> for Unread {
    fn from(error: ReadError) -> Self {
        Self::Refused(error)
    }
}

impl From<Unfinished> for Unread {
    fn from(Unfinished(error): Unfinished) -> Self {
        Self::Intended(error)
    }
}

fn floors(now: Timestamp, practice: &Practice) -> Floors {
    let today = dutch_today(now);
    let results = today.checked_sub(i32::from(practice.results_months).months()).unwrap_or(today);
    Floors { today, results }
}

fn old_enough(patient: &HisPatient, work: &Work<'_>) -> bool {
    is_of_age(patient.birth_date, work.permit.practice(), work.floors.today)
}

fn self_link(base: &str, shape: &SearchShape<'_>) -> String {
    let resource = &shape.search.resource;
    if shape.asked.is_empty() {
        format!("{base}/{resource}")
    } else {
        format!("{base}/{resource}?{}", encode_pairs(&shape.asked))
    }
}

/// The request in the catalogue's words. Values come from closed sets or are dates, so no identifier can be in it.
fn describe(shape: &SearchShape<'_>) -> String {
    if shape.upstream.is_empty() {
        shape.search.resource.clone()
    } else {
        format!("{}?{}", shape.search.resource, encode_pairs(&shape.upstream))
    }
}
