//! The walk of a person through the authorization: landing, login, availability, consent, back to the PGO. Each step takes
//! the visit out of the store, so that a page works once, and puts it back in its next state.

mod back;
mod error;
mod question;

pub use back::BackToClient;
pub use error::JourneyError;
pub use question::Question;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::back::{denied, refused};
use self::question::{available_services, practice_of, question, services_still_asked};
use super::login::{Attempt, AuthenticatedPerson, Departure, IdentityProvider, LoginEnd};
use super::visit::{Asked, AtLogin, BrowserKeys, ConsentGiven, Landed, OpenVisit, Visit, VisitStore};
use crate::audit::{AuditEvent, AuditLog, Kind, Outcome, Pseudonymiser, receipt};
use crate::availability::{Moment, find_available};
use crate::clock::SharedClock;
use crate::his::HisAdapter;
use crate::medmij::{Bsn, LocalId};
use crate::oauth::authorize::{AuthorizeRefusal, AuthorizeRequest, AuthorizeRules, BadRequest};
use crate::oauth::code::{CodeStore, IssuedCode};
use crate::oauth::grant::Grant;
use crate::practices::Practice;
use crate::routing::{SharedSnapshot, Snapshot};
use crate::secret::{Handle, hash_handle};

/// What the walk needs.
pub struct Journey {
    /// The snapshot in force.
    pub snapshot: SharedSnapshot,
    /// The visits.
    pub visits: Arc<dyn VisitStore>,
    /// The codes.
    pub codes: Arc<dyn CodeStore>,
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// Keyed pseudonyms for the audit.
    pub pseudonyms: Arc<Pseudonymiser>,
    /// The adapters, by id of the HIS installation.
    pub adapters: HashMap<String, Arc<dyn HisAdapter>>,
    /// The login service.
    pub login: Arc<dyn IdentityProvider>,
    /// Time.
    pub clock: SharedClock,
    /// How it is set up.
    pub rules: JourneyRules,
}

/// How the walk is set up.
#[derive(Debug, Clone, Copy)]
pub struct JourneyRules {
    /// Whether redirect URIs may carry ports; in the sandbox only.
    pub allow_ports: bool,
    /// How long a code lives: 900 s.
    pub code_lifetime: Duration,
    /// How long a person may take for one page.
    pub page_lifetime: Duration,
    /// How long the availability test may take.
    pub availability_deadline: Duration,
    /// How long the login service may take for what it does between two pages.
    pub login_deadline: Duration,
}

/// What the browser presents with a form. Without `Debug`: it holds secrets of the browser.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// The visit in the address.
    pub visit: LocalId,
    /// The cookie of that visit.
    pub cookie: &'a str,
    /// The token of the form.
    pub form: &'a str,
}

/// What the browser is shown next.
#[derive(Debug)]
pub enum Next {
    /// The landing page.
    Landing(Page),
    /// Off to the login service.
    Login {
        /// Where to.
        address: String,
        /// The page, for the new keys.
        page: Page,
    },
    /// The consent question.
    Consent(Page),
    /// Back to the client.
    Client(BackToClient),
}

/// A page of a visit, with all that it shows.
#[derive(Debug)]
pub struct Page {
    /// The visit.
    pub visit: LocalId,
    /// Its new keys.
    pub keys: BrowserKeys,
    /// What is asked.
    pub question: Question,
    /// The origins beside our own that the page's forms may lead to, with spaces between: the client's, and that of the login
    /// service.
    pub leads_to: String,
}

type Step<T> = Result<T, JourneyError>;

impl Journey {
    /// An authorization request arrives.
    ///
    /// # Errors
    /// When nobody may be redirected, or we cannot go on.
    pub async fn arrive(&self, pairs: &[(String, String)], local_id: LocalId) -> Step<Next> {
        let step = self.try_arrive(pairs, local_id).await;
        self.with_end_recorded(local_id, step).await
    }

    async fn try_arrive(&self, pairs: &[(String, String)], local_id: LocalId) -> Step<Next> {
        let snapshot = self.fresh_snapshot()?;
        let rules = AuthorizeRules { lists: &snapshot.lists, allow_ports: self.rules.allow_ports };
        let parsed = AuthorizeRequest::parse(pairs, rules).and_then(|request| self.admit_scope(&snapshot, request));
        match parsed {
            Ok(request) => {
                self.record(self.event(Kind::AuthorizationRequested, Outcome::Done, local_id, &request)).await?;
                let visit = Visit::Landed(Landed { request });
                Ok(Next::Landing(self.open(local_id, visit, &snapshot).await?))
            }
            Err(refusal) => self.turn_away(refusal, local_id).await,
        }
    }

    /// The provider is known in the network, served here, and open; anything else is one and the same answer.
    fn admit_scope(
        &self,
        snapshot: &Snapshot,
        request: AuthorizeRequest,
    ) -> Result<AuthorizeRequest, AuthorizeRefusal> {
        let services = available_services(snapshot, &request.scope, self.clock.now());
        if practice_of(snapshot, &request).is_some() && !services.is_empty() {
            return Ok(request);
        }
        Err(AuthorizeRefusal::Redirect {
            client: request.client,
            redirect_uri: request.redirect_uri,
            state: Some(request.state),
            error: BadRequest::Scope,
        })
    }

    async fn turn_away(&self, refusal: AuthorizeRefusal, local_id: LocalId) -> Step<Next> {
        let mut event = AuditEvent::new(self.clock.now(), Kind::AuthorizationRefused, Outcome::Refused);
        event.local_id = Some(local_id);
        match refusal {
            AuthorizeRefusal::Page(no_client) => Err(no_client.into()),
            AuthorizeRefusal::Redirect { client, redirect_uri, state, error } => {
                event.client_id = Some(client);
                event.reason = Some(error.code());
                self.record(event).await?;
                Ok(Next::Client(refused(redirect_uri, state.as_ref(), error.code(), "the request cannot be served")))
            }
        }
    }

    /// The person answers the landing page.
    ///
    /// # Errors
    /// See [`JourneyError`].
    pub async fn land(&self, presented: Presented<'_>, action: &str) -> Step<Next> {
        let step = self.try_land(presented, action).await;
        self.with_end_recorded(presented.visit, step).await
    }

    async fn try_land(&self, presented: Presented<'_>, action: &str) -> Step<Next> {
        let (id, visit) = self.take(presented).await?;
        match (visit, action) {
            (Visit::Landed(landed), "continue") => self.send_to_login(id, landed, Attempt::First).await,
            (Visit::Landed(landed), "cancel") => {
                self.deny(id, Kind::AuthorizationRefused, "cancelled", &landed.request).await
            }
            (Visit::Landed(_) | Visit::AtLogin(_) | Visit::Asked(_), _) => Err(JourneyError::BadForm),
        }
    }

    async fn send_to_login(&self, id: LocalId, landed: Landed, attempt: Attempt) -> Step<Next> {
        let keys = BrowserKeys::draw();
        let departure = Departure { visit: id, key: &keys.form, attempt, deadline: self.login_deadline() };
        let way = self.login.start(departure).await?;
        let at_login = Visit::AtLogin(landed.proceed(way.state));
        let page = self.open_with(keys, id, at_login, &self.snapshot.load_full()).await?;
        Ok(Next::Login { address: way.address, page })
    }

    fn login_deadline(&self) -> Instant {
        self.clock.monotonic() + self.rules.login_deadline
    }

    /// The person comes back from the login service.
    ///
    /// # Errors
    /// See [`JourneyError`].
    pub async fn return_from_login(&self, presented: Presented<'_>, fields: &[(String, String)]) -> Step<Next> {
        let step = self.try_return_from_login(presented, fields).await;
        self.with_end_recorded(presented.visit, step).await
    }

    async fn try_return_from_login(&self, presented: Presented<'_>, fields: &[(String, String)]) -> Step<Next> {
        let (id, Visit::AtLogin(at_login)) = self.take(presented).await? else { return Err(JourneyError::BadForm) };
        match self.login.finish(at_login.login.clone(), fields, self.login_deadline()).await {
            Ok(person) => self.recognise(id, at_login, person).await,
            Err(LoginEnd::NotABsn) => self.send_to_login(id, at_login.once_more(), Attempt::AfterATypo).await,
            Err(LoginEnd::Cancelled) => {
                self.deny(id, Kind::AuthenticationFailed, "login-cancelled", &at_login.request).await
            }
            Err(LoginEnd::Failed) => self.deny(id, Kind::AuthenticationFailed, "login-failed", &at_login.request).await,
            Err(LoginEnd::Unavailable(unavailable)) => Err(unavailable.into()),
        }
    }

    /// Not treated here, no data, too young: for the client these are the same as a "no" (autoriseren 1 and 2).
    async fn recognise(&self, id: LocalId, at_login: AtLogin, person: AuthenticatedPerson) -> Step<Next> {
        let mut event = self.event(Kind::PersonAuthenticated, Outcome::Done, id, &at_login.request);
        event.subject = Some(self.pseudonyms.at(&person.bsn, event.time));
        let how = format!("{} {} {}", person.method.as_str(), person.level.as_str(), person.at);
        let authenticated = AuditEvent { detail: Some(how.into()), ..event.clone() };
        self.record(authenticated).await?;
        let snapshot = self.snapshot.load_full();
        let practice = practice_of(&snapshot, &at_login.request).ok_or(JourneyError::StalePage)?;
        if self.is_available(practice, &person.bsn, id).await? {
            let visit = Visit::Asked(at_login.authenticated(person));
            Ok(Next::Consent(self.open(id, visit, &snapshot).await?))
        } else {
            event.time = self.clock.now();
            (event.kind, event.outcome) = (Kind::AuthorizationRefused, Outcome::Refused);
            event.reason = Some("not-available");
            self.record(event).await?;
            Ok(Next::Client(denied(&at_login.request)))
        }
    }

    /// The availability test at its early moment: known at the practice, and old enough.
    async fn is_available(&self, practice: &Practice, bsn: &Bsn, id: LocalId) -> Step<bool> {
        let adapter = self.adapters.get(&practice.his).ok_or(JourneyError::Ours)?;
        let deadline = self.clock.monotonic() + self.rules.availability_deadline;
        let moment = Moment { local_id: id, now: self.clock.now(), deadline };
        let found = find_available(adapter.as_ref(), practice, bsn, moment).await.map_err(JourneyError::His)?;
        Ok(found.is_some())
    }

    /// The person answers the question.
    ///
    /// # Errors
    /// See [`JourneyError`].
    pub async fn answer(&self, presented: Presented<'_>, answer: &str) -> Step<Next> {
        let step = self.try_answer(presented, answer).await;
        self.with_end_recorded(presented.visit, step).await
    }

    async fn try_answer(&self, presented: Presented<'_>, answer: &str) -> Step<Next> {
        let (id, Visit::Asked(asked)) = self.take(presented).await? else { return Err(JourneyError::BadForm) };
        match answer {
            "allow" => self.grant(id, asked.consent()).await,
            "refuse" => self.refuse_consent(id, &asked).await,
            _ => Err(JourneyError::BadForm),
        }
    }

    async fn refuse_consent(&self, id: LocalId, asked: &Asked) -> Step<Next> {
        let mut event = self.event(Kind::ConsentRefused, Outcome::Refused, id, &asked.request);
        event.subject = Some(self.pseudonyms.at(&asked.person.bsn, event.time));
        self.record(event).await?;
        Ok(Next::Client(denied(&asked.request)))
    }

    async fn grant(&self, id: LocalId, given: ConsentGiven) -> Step<Next> {
        let ConsentGiven { request, person } = given;
        let services = services_still_asked(&*self.fresh_snapshot()?, &request, self.clock.now());
        let services = services.ok_or(JourneyError::StalePage)?;
        let mut event = self.event(Kind::ConsentGiven, Outcome::Done, id, &request);
        event.subject = Some(self.pseudonyms.at(&person.bsn, event.time));
        let grant = Grant {
            id: LocalId::new(event.time),
            client: request.client.clone(),
            provider: request.scope.provider().clone(),
            services,
            subject: person.bsn,
            request: request.request_id,
            correlation: request.correlation_id,
            consented: event.time,
            lasting: false,
            redeemed_by: None,
        };
        event.grant = Some(grant.id);
        let expires = event.time.saturating_add(self.rules.code_lifetime).unwrap_or(event.time);
        self.record(event).await?;
        let code = Handle::draw();
        let issued = IssuedCode { hash: code.hash(), redirect_uri: request.redirect_uri.clone(), expires, grant };
        self.codes.keep(issued).await.map_err(|_| JourneyError::Ours)?;
        let answer = vec![
            ("code".to_owned(), code.reveal().to_owned()),
            ("state".to_owned(), request.state.as_str().to_owned()),
        ];
        Ok(Next::Client(BackToClient { redirect_uri: request.redirect_uri, answer }))
    }

    fn fresh_snapshot(&self) -> Step<Arc<Snapshot>> {
        let snapshot = self.snapshot.load_full();
        if snapshot.freshness.holds(self.clock.now()) { Ok(snapshot) } else { Err(JourneyError::ListsTooOld) }
    }

    /// Records a step that ends on a page of ours; its visit id ties it to the steps before.
    async fn with_end_recorded(&self, id: LocalId, step: Step<Next>) -> Step<Next> {
        match step {
            Ok(next) => Ok(next),
            Err(error) => Err(self.refuse(error, id).await),
        }
    }

    /// Records that the walk ends on a page of ours, and gives the error back. The end stands whether or not the log can
    /// take it.
    pub async fn refuse(&self, error: JourneyError, id: LocalId) -> JourneyError {
        let (reason, outcome) = error.reason();
        let mut event = AuditEvent::new(self.clock.now(), Kind::AuthorizationRefused, outcome);
        event.local_id = Some(id);
        event.reason = Some(reason);
        event.status = Some(error.status());
        let _ = self.record(event).await;
        error
    }

    async fn deny(&self, id: LocalId, kind: Kind, reason: &'static str, request: &AuthorizeRequest) -> Step<Next> {
        let mut event = self.event(kind, Outcome::Refused, id, request);
        event.reason = Some(reason);
        self.record(event).await?;
        Ok(Next::Client(denied(request)))
    }

    fn event(&self, kind: Kind, outcome: Outcome, id: LocalId, request: &AuthorizeRequest) -> AuditEvent {
        let mut event = AuditEvent::new(self.clock.now(), kind, outcome);
        event.local_id = Some(id);
        event.request_id = request.request_id;
        event.correlation_id = request.correlation_id;
        event.client_id = Some(request.client.clone());
        event.provider = Some(request.scope.provider().clone());
        event
    }

    /// No step of an authorization goes on unrecorded.
    async fn record(&self, event: AuditEvent) -> Step<()> {
        let pending = self.audit.append(event).map_err(|_| JourneyError::Ours)?;
        receipt(pending).await.map(|_| ()).map_err(|_| JourneyError::Ours)
    }

    async fn take(&self, presented: Presented<'_>) -> Step<(LocalId, Visit)> {
        let (cookie, form) = (hash_handle(presented.cookie), hash_handle(presented.form));
        let taken = self.visits.take(presented.visit, cookie, form, self.clock.now()).await;
        let open = taken.map_err(|_| JourneyError::Ours)?.ok_or(JourneyError::StalePage)?;
        Ok((open.id, open.visit))
    }

    async fn open(&self, id: LocalId, visit: Visit, snapshot: &Snapshot) -> Step<Page> {
        self.open_with(BrowserKeys::draw(), id, visit, snapshot).await
    }

    async fn open_with(&self, keys: BrowserKeys, id: LocalId, visit: Visit, snapshot: &Snapshot) -> Step<Page> {
        let question = question(snapshot, visit.request(), self.clock.now()).ok_or(JourneyError::StalePage)?;
        let page = Page { visit: id, question, leads_to: self.leads_to(&visit), keys };
        let expires = self.clock.now().saturating_add(self.rules.page_lifetime).map_err(|_| JourneyError::Ours)?;
        let kept = OpenVisit { id, cookie: page.keys.cookie.hash(), form: page.keys.form.hash(), expires, visit };
        self.visits.keep(kept).await.map_err(|_| JourneyError::Ours)?;
        Ok(page)
    }

    /// A form may lead through redirects; browsers hold each of them against `form-action`.
    fn leads_to(&self, visit: &Visit) -> String {
        let client = visit.request().redirect_uri.origin().to_owned();
        match visit {
            Visit::Landed(_) => [&[client], self.login.origins()].concat().join(" "),
            Visit::AtLogin(_) | Visit::Asked(_) => client,
        }
    }
}
