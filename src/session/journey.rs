//! The walk of a person through the authorization: landing, login, availability, consent, back to the PGO. Each step takes
//! the visit out of the store, so that a page works once, and puts it back in its next state.

mod back;
mod question;

pub use back::BackToClient;
pub use question::Question;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use self::back::{denied, refused};
use self::question::{available_services, practice_of, question};
use super::login::{AuthenticatedPerson, IdentityProvider, LoginEnd};
use super::visit::{Asked, AtLogin, BrowserKeys, ConsentGiven, Landed, OpenVisit, Visit, VisitStore};
use crate::audit::{AuditEvent, AuditLog, Kind, Outcome, Pseudonymiser};
use crate::clock::SharedClock;
use crate::fault::Fault;
use crate::fhir::read::{dutch_today, is_of_age};
use crate::his::{HisAdapter, HisError};
use crate::medmij::{Bsn, LocalId};
use crate::oauth::authorize::{AuthorizeRefusal, AuthorizeRequest, AuthorizeRules, BadRequest, NoClient};
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
}

/// What the browser presents with a form.
#[derive(Debug, Clone, Copy)]
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
    /// Scheme, host and port of the client, which the page's forms may lead to.
    pub client_origin: String,
}

/// Why the walk ends on a page of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JourneyError {
    /// See [`NoClient`].
    #[error(transparent)]
    NoClient(#[from] NoClient),
    /// The page was used before, is too old, or belongs to another browser.
    #[error("this page was used before or is too old")]
    StalePage,
    /// A field of the form is missing or has a value that the page does not offer.
    #[error("the form is not complete")]
    BadForm,
    /// The practice's system does not say whether it has data.
    #[error("the system of the practice does not answer")]
    His(HisError),
    /// Our store or audit does not answer.
    #[error("the gateway cannot record this now")]
    Ours,
}

type Step<T> = Result<T, JourneyError>;

impl Journey {
    /// An authorization request arrives.
    ///
    /// # Errors
    /// When nobody may be redirected, or we cannot go on.
    pub async fn arrive(&self, pairs: &[(String, String)], local_id: LocalId) -> Step<Next> {
        let snapshot = self.snapshot.load_full();
        if !snapshot.freshness.holds(self.clock.now()) {
            return Err(JourneyError::Ours);
        }
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
        let services = available_services(snapshot, &request.scope);
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
            AuthorizeRefusal::Page(no_client) => {
                event.reason = Some(match no_client {
                    NoClient::UnknownClient => "unknown-client",
                    NoClient::BadRedirectUri => "bad-redirect-uri",
                });
                self.record(event).await?;
                Err(no_client.into())
            }
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
        let next = self.leave_landing(presented, action).await;
        self.ended(presented.visit, next).await
    }

    async fn leave_landing(&self, presented: Presented<'_>, action: &str) -> Step<Next> {
        let (id, visit) = self.take(presented).await?;
        match (visit, action) {
            (Visit::Landed(landed), "continue") => self.send_to_login(id, landed.proceed()).await,
            (Visit::Landed(landed), "cancel") => {
                self.deny(id, Kind::AuthorizationRefused, "cancelled", &landed.request).await
            }
            (Visit::Landed(_) | Visit::AtLogin(_) | Visit::Asked(_), _) => Err(JourneyError::BadForm),
        }
    }

    async fn send_to_login(&self, id: LocalId, at_login: AtLogin) -> Step<Next> {
        let snapshot = self.snapshot.load_full();
        let page = self.open(id, Visit::AtLogin(at_login), &snapshot).await?;
        Ok(Next::Login { address: self.login.start(id, &page.keys.form), page })
    }

    /// The person comes back from the login service.
    ///
    /// # Errors
    /// See [`JourneyError`].
    pub async fn return_from_login(&self, presented: Presented<'_>, fields: &[(String, String)]) -> Step<Next> {
        let next = self.leave_login(presented, fields).await;
        self.ended(presented.visit, next).await
    }

    async fn leave_login(&self, presented: Presented<'_>, fields: &[(String, String)]) -> Step<Next> {
        let (id, Visit::AtLogin(at_login)) = self.take(presented).await? else { return Err(JourneyError::BadForm) };
        match self.login.finish(fields) {
            Ok(person) => self.recognise(id, at_login, person).await,
            Err(LoginEnd::NotABsn) => self.send_to_login(id, at_login).await,
            Err(LoginEnd::Cancelled) => {
                self.deny(id, Kind::AuthenticationFailed, "login-cancelled", &at_login.request).await
            }
            Err(LoginEnd::Failed) => self.deny(id, Kind::AuthenticationFailed, "login-failed", &at_login.request).await,
        }
    }

    /// Not treated here, no data, too young: for the client these are the same as a "no" (autoriseren 1 and 2).
    async fn recognise(&self, id: LocalId, at_login: AtLogin, person: AuthenticatedPerson) -> Step<Next> {
        let mut event = self.event(Kind::PersonAuthenticated, Outcome::Done, id, &at_login.request);
        event.subject = Some(self.pseudonyms.pseudonym(&person.bsn, event.time.to_zoned(TimeZone::UTC).year()));
        self.record(event).await?;
        let snapshot = self.snapshot.load_full();
        let practice = practice_of(&snapshot, &at_login.request).ok_or(JourneyError::StalePage)?;
        if self.is_available(practice, &person.bsn, id).await? {
            let visit = Visit::Asked(at_login.authenticated(person));
            Ok(Next::Consent(self.open(id, visit, &snapshot).await?))
        } else {
            self.deny(id, Kind::AuthorizationRefused, "not-available", &at_login.request).await
        }
    }

    /// The availability test at its early moment: known at the practice, and old enough.
    async fn is_available(&self, practice: &Practice, bsn: &Bsn, id: LocalId) -> Step<bool> {
        let adapter = self.adapters.get(&practice.his).ok_or(JourneyError::Ours)?;
        let deadline = self.clock.monotonic() + self.rules.availability_deadline;
        let found = adapter.find_patient(bsn, &id.to_string(), deadline).await.map_err(JourneyError::His)?;
        let today = dutch_today(self.clock.now());
        Ok(found.is_some_and(|patient| is_of_age(patient.birth_date, practice, today)))
    }

    /// The person answers the question.
    ///
    /// # Errors
    /// See [`JourneyError`].
    pub async fn answer(&self, presented: Presented<'_>, answer: &str) -> Step<Next> {
        let next = self.leave_consent(presented, answer).await;
        self.ended(presented.visit, next).await
    }

    async fn leave_consent(&self, presented: Presented<'_>, answer: &str) -> Step<Next> {
        let (id, Visit::Asked(asked)) = self.take(presented).await? else { return Err(JourneyError::BadForm) };
        match answer {
            "allow" => self.grant(id, asked.consent()).await,
            "refuse" => self.refuse_consent(id, &asked).await,
            _ => Err(JourneyError::BadForm),
        }
    }

    async fn refuse_consent(&self, id: LocalId, asked: &Asked) -> Step<Next> {
        let mut event = self.event(Kind::ConsentRefused, Outcome::Refused, id, &asked.request);
        event.subject = Some(self.pseudonyms.pseudonym(&asked.person.bsn, event.time.to_zoned(TimeZone::UTC).year()));
        self.record(event).await?;
        Ok(Next::Client(denied(&asked.request)))
    }

    async fn grant(&self, id: LocalId, given: ConsentGiven) -> Step<Next> {
        let ConsentGiven { request, person } = given;
        let mut event = self.event(Kind::ConsentGiven, Outcome::Done, id, &request);
        event.subject = Some(self.pseudonyms.pseudonym(&person.bsn, event.time.to_zoned(TimeZone::UTC).year()));
        let grant = Grant {
            id: LocalId::new(event.time),
            client: request.client.clone(),
            provider: request.scope.provider().clone(),
            services: available_services(&self.snapshot.load(), &request.scope),
            subject: person.bsn,
            correlation: request.correlation_id,
            consented: event.time,
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

    async fn deny(&self, id: LocalId, kind: Kind, reason: &'static str, request: &AuthorizeRequest) -> Step<Next> {
        let mut event = self.event(kind, Outcome::Refused, id, request);
        event.reason = Some(reason);
        self.record(event).await?;
        Ok(Next::Client(denied(request)))
    }

    /// Records that a visit came to its end on a page of ours; the page is shown whether or not the log can take it.
    pub async fn failed(&self, id: LocalId, error: JourneyError) -> JourneyError {
        let (outcome, reason) = match error {
            // Recorded with the request.
            JourneyError::NoClient(_) => return error,
            JourneyError::StalePage => (Outcome::Refused, "stale-page"),
            JourneyError::BadForm => (Outcome::Refused, "bad-form"),
            JourneyError::His(his) => (Outcome::Failed, Fault::from(his).code),
            JourneyError::Ours => (Outcome::Failed, "own-failure"),
        };
        let mut event = AuditEvent::new(self.clock.now(), Kind::AuthorizationRefused, outcome);
        event.local_id = Some(id);
        event.reason = Some(reason);
        let _ = self.record(event).await;
        error
    }

    async fn ended(&self, id: LocalId, next: Step<Next>) -> Step<Next> {
        match next {
            Ok(next) => Ok(next),
            Err(error) => Err(self.failed(id, error).await),
        }
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
        pending.await.map(|_| ()).map_err(|_| JourneyError::Ours)
    }

    async fn take(&self, presented: Presented<'_>) -> Step<(LocalId, Visit)> {
        let (cookie, form) = (hash_handle(presented.cookie), hash_handle(presented.form));
        let taken = self.visits.take(presented.visit, cookie, form, self.clock.now()).await;
        let open = taken.map_err(|_| JourneyError::Ours)?.ok_or(JourneyError::StalePage)?;
        Ok((open.id, open.visit))
    }

    async fn open(&self, id: LocalId, visit: Visit, snapshot: &Snapshot) -> Step<Page> {
        let keys = BrowserKeys::draw();
        let request = visit.request();
        let page = Page {
            visit: id,
            question: question(snapshot, request).ok_or(JourneyError::StalePage)?,
            client_origin: request.redirect_uri.origin().to_owned(),
            keys,
        };
        let expires = self.clock.now().saturating_add(self.rules.page_lifetime).map_err(|_| JourneyError::Ours)?;
        let kept = OpenVisit { id, cookie: page.keys.cookie.hash(), form: page.keys.form.hash(), expires, visit };
        self.visits.keep(kept).await.map_err(|_| JourneyError::Ours)?;
        Ok(page)
    }
}
