//! Reading a part of the record, the story in order: token, decision, shape of the request, audit intent, HIS, shaping,
//! receipt, release. What is released carries the receipt of its intent; nothing else can be released.

pub mod check;
mod document;
mod error;
mod flags;
mod flow;
mod foresee;
mod incoming;
mod log;
mod page;
mod search;
mod share;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::ToSpan as _;

use self::page::Turn;
use self::search::Work;
use super::cursor::{Bound, Cursors};
use super::disclosure::{Attempt, Disclosure, Unanswered};
use super::request::{self, Demand, Floors, Format, Interaction, RequestError};
use crate::accesslog::AccessLog;
use crate::audit::{AuditEvent, AuditLog, AuditReceipt, Counts, Keyring, Kind, Outcome};
use crate::availability::dutch_today;
use crate::chainlog::ChainLog;
use crate::clock::SharedClock;
use crate::medmij::LocalId;
use crate::oauth::grant::{GrantStore, IssuedToken, TokenStore};
use crate::practices::Practice;
use crate::routing::{Permit, SharedSnapshot, Snapshot, decide, resource_base};
use crate::secret::hash_handle;
use crate::services::Source;
use crate::trace::{self, Step};

pub use self::error::ReadError;
use self::error::Unread;
pub use self::flow::{Flow, Outgoing, Told};
pub use self::foresee::{Foreseen, Led, Shape, Work as ForeseenWork, foresee};
pub use self::incoming::{NoToken, Request, route_of};
pub use self::share::{BodyFault, Incoming, Shared};

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
    /// What of the audit log can be shown to the person it is about.
    pub log: Arc<AccessLog>,
    /// The chain log.
    pub chain: Arc<dyn ChainLog>,
    /// What stands for a person in the audit.
    pub keyring: Arc<Keyring>,
    /// Addresses of further pages.
    pub cursors: Arc<Cursors>,
    /// Time.
    pub clock: SharedClock,
    /// Scheme, host and port of our resource endpoints.
    pub origin: String,
    /// How long all calls to the HIS for one request may take together; well under the 60 s of core.rscint.202.
    pub his_deadline: Duration,
    /// Bytes of the largest bundle that a person may share.
    pub submit_limit_bytes: usize,
}

/// Data that may leave: judged, and with the receipt of its audit intent.
pub struct Released {
    /// How the body is written.
    pub format: Format,
    /// The body.
    pub body: Outgoing,
    /// Entries in it, and those withheld; of a stream, none yet.
    pub counts: Counts,
    /// The consent under which it leaves.
    pub grant: LocalId,
    /// Proof that the intent is on disk.
    pub receipt: AuditReceipt,
    /// Must be told how the transfer ended; `None` when what is shown is on record whole before it leaves.
    pub disclosure: Option<Disclosure>,
}

impl Reader {
    /// Answers a request with data, or says why not. Refusals are in the audit before this returns.
    ///
    /// # Errors
    /// See [`ReadError`]; it comes with the receipt of its record.
    pub async fn read(&self, request: &Request<'_>) -> Result<Released, Unanswered> {
        let mut attempt = Attempt::open(Arc::clone(&self.audit), self.event(request));
        let disclosed = self.disclose(request, &mut attempt).await;
        self.note_in_chain(&attempt.event, disclosed.as_ref().err().map(Unread::error));
        match disclosed {
            Ok(released) => Ok(released),
            Err(unread) => Err(unread.recorded(attempt).await),
        }
    }

    fn event(&self, request: &Request<'_>) -> AuditEvent {
        let mut event = AuditEvent::new(self.clock.now(), Kind::ResourceRefused, Outcome::Refused);
        event.local_id = Some(request.local_id);
        event.request_id = request.request_id;
        event.correlation_id = request.correlation_id;
        event.peer = request.caller.names.first().cloned();
        event.access_point = request.caller.address;
        event
    }

    async fn disclose(&self, request: &Request<'_>, attempt: &mut Attempt) -> Result<Released, Unread> {
        let presented = self.presented(request, &mut attempt.event).await?;
        let Admitted { permit, floors, demand } = presented.admitted(request, &mut attempt.event)?;
        let token = &presented.token;
        let base = resource_base(&self.origin, &token.grant.provider, &permit.service().id, permit.service().fhir);
        let bound = Bound { token: &token.hash, base: &base };
        if permit.service().source == Source::AccessLog {
            return Box::pin(self.look(attempt, permit, demand, bound, floors)).await;
        }
        let event = &mut attempt.event;
        let (shape, turn) = match demand.interaction {
            Interaction::Search(shape) => (shape, Turn::First),
            Interaction::Page(page) => self.open_page(permit.service(), &page, bound, floors)?,
            Interaction::Read(read) => document::listed(permit.service(), read, demand.format, floors)?,
            Interaction::Submit(_) => return Err(ReadError::Request(RequestError::NotOffered).into()),
        };
        let name = |id: &str| self.keyring.document(&token.grant.provider, id, event.time);
        let query = turn.describe(&shape, name).map_err(|missing| ReadError::Audit(missing.into()))?;
        event.query = Some(query.into());
        let adapter = presented.snapshot.adapters.of(&permit.practice().his).ok_or(ReadError::NoAdapter)?;
        let his_base = adapter.base(permit.service().fhir).ok_or(ReadError::NoAdapter)?;
        let (format, adapter) = (demand.format, adapter.as_ref());
        let work = Work { permit, shape, turn, bound, format, floors, adapter, his_base };
        self.release(request.local_id, attempt, &work).await
    }

    /// Who comes with what: the token, and the world and moment that it is judged in.
    async fn presented(&self, request: &Request<'_>, event: &mut AuditEvent) -> Result<Presented, ReadError> {
        request.route?;
        let token = self.token(request.token).await?;
        trace::named(&token.grant.client);
        trace::enter(Step::Decide, &*self.clock);
        self.name_grant(event, &token)?;
        Ok(Presented { token, snapshot: self.snapshot.load_full(), now: self.clock.now() })
    }

    async fn token(&self, presented: Result<&str, NoToken>) -> Result<IssuedToken, ReadError> {
        let text = presented.map_err(ReadError::NoToken)?;
        let hash = hash_handle(text);
        if let Some(token) = self.tokens.at_hand(&hash) {
            return Ok(token);
        }
        let found = self.tokens.find(hash).await.map_err(|_| ReadError::Store)?;
        found.ok_or(ReadError::UnknownToken)
    }

    fn name_grant(&self, event: &mut AuditEvent, token: &IssuedToken) -> Result<(), ReadError> {
        let grant = &token.grant;
        event.client_id = Some(grant.client.clone());
        event.provider = Some(grant.provider.clone());
        event.grant = Some(grant.id);
        let is_portal = self.snapshot.load().clients.portal(grant.client.as_str()).is_some();
        event.authorization = Some(grant.authorization(is_portal));
        let subject = token.subject(&self.keyring, event.time);
        event.subject = Some(subject.map_err(|missing| ReadError::Audit(missing.into()))?);
        Ok(())
    }
}

/// A token that is known, and not yet decided about.
struct Presented {
    token: IssuedToken,
    snapshot: Arc<Snapshot>,
    now: Timestamp,
}

/// A request that may be answered, and what it asks.
struct Admitted<'a> {
    permit: Permit<'a>,
    floors: Floors,
    demand: Demand<'a>,
}

impl Presented {
    /// Decides, and reads what is asked; the event learns of both.
    fn admitted<'a>(&'a self, request: &Request<'a>, event: &mut AuditEvent) -> Result<Admitted<'a>, ReadError> {
        let Self { token, snapshot, now } = self;
        let route = request.route?;
        let permit = decide(snapshot, request.caller, token, route, *now).map_err(|refusal| {
            event.service = snapshot.services.service(route.service).map(|service| service.id.clone());
            ReadError::Refused(refusal)
        })?;
        event.peer = Some(permit.peer().clone());
        event.service = Some(permit.service().id.clone());
        let floors = floors(*now, permit.practice());
        let demand = request::parse(permit.service(), route.rest, request.asked, floors).map_err(ReadError::Request)?;
        Ok(Admitted { permit, floors, demand })
    }
}

fn floors(now: Timestamp, practice: &Practice) -> Floors {
    let today = dutch_today(now);
    let results = today.checked_sub(i32::from(practice.results_months).months()).unwrap_or(today);
    Floors { today, results }
}
