//! The walk of a person through the authorization: landing, login, availability, consent, back to the PGO. Each step takes
//! the visit out of the store, so that a page works once, and puts it back in its next state.

mod answer;
mod arrive;
mod back;
mod chain;
mod error;
mod log;
mod login;
mod own;
mod question;
mod whence;

pub use self::whence::coming_from;
pub use answer::Answer;
pub use back::BackToClient;
pub use error::{Ended, JourneyError};
pub use log::{LogPage, LogWish, ShownLog};
pub use own::{OwnAnswer, OwnConsent, OwnPage};
pub use question::{Asker, Question};

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use self::back::denied;
use self::question::{question, services_of};
use super::login::IdentityProvider;
use super::visit::{BrowserKeys, Goal, OpenVisit, Visit, VisitStore};
use crate::accesslog::AccessLog;
use crate::audit::{AuditEvent, AuditLog, Keyring, Kind, Outcome, Subject, receipt};
use crate::chainlog::ChainLog;
use crate::clock::SharedClock;
use crate::language::Language;
use crate::medmij::{Bsn, LocalId};
use crate::oauth::authorize::{AuthorizeForm, AuthorizeRequest};
use crate::oauth::code::CodeStore;
use crate::oauth::grant::GrantStore;
use crate::oauth::smart::SmartNames;
use crate::practices::golive::NotYet;
use crate::practices::golive::places::Places;
use crate::routing::{SharedSnapshot, Snapshot};
use crate::secret::{Handle, hash_handle};
use crate::trace;

/// What the walk needs.
pub struct Journey {
    /// The snapshot in force.
    pub snapshot: SharedSnapshot,
    /// The visits.
    pub visits: Arc<dyn VisitStore>,
    /// The codes.
    pub codes: Arc<dyn CodeStore>,
    /// The grants, which a person may end.
    pub grants: Arc<dyn GrantStore>,
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// What of the audit log can be shown to the person it is about.
    pub log: Arc<AccessLog>,
    /// The chain log.
    pub chain: Arc<dyn ChainLog>,
    /// What stands for a person in the audit.
    pub keyring: Arc<Keyring>,
    /// The login service.
    pub login: Arc<dyn IdentityProvider>,
    /// Time.
    pub clock: SharedClock,
    /// How it is set up.
    pub rules: JourneyRules,
    /// Who runs this.
    pub operator: Operator,
    /// Our names towards portals.
    pub smart: SmartNames,
    /// Places in field tests and pilots.
    pub places: Places,
}

/// Who runs the gateway, as the pages say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Its name.
    pub name: String,
    /// Its telephone number for people (core, TS).
    pub phone: Option<String>,
    /// Address of the privacy statement.
    pub privacy: Option<String>,
}

/// How the walk is set up.
#[derive(Debug, Clone, Copy)]
pub struct JourneyRules {
    /// Whether redirect URIs may carry ports; in the sandbox only.
    pub allow_ports: bool,
    /// What MedMij leaves open about the form of a request.
    pub form: AuthorizeForm,
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
    /// The language that the address asks for; without one the visit keeps its own.
    pub language: Option<Language>,
}

/// Where a step takes place.
#[derive(Debug, Clone, Copy)]
struct Spot {
    visit: LocalId,
    language: Language,
}

/// What the browser is shown next.
#[derive(Debug)]
pub enum Next {
    /// The landing page.
    Landing(Page),
    /// Off to another page: that of the login service, or one of ours, which the browser fetches.
    Onward {
        /// Where to.
        address: String,
        /// The visit.
        visit: LocalId,
        /// Its new cookie.
        cookie: Handle,
    },
    /// Back to where a person begins who comes by themself.
    OwnStart(Goal),
    /// A person who came by themself is done.
    OwnEnd(Language),
    /// Back to the client.
    Client(BackToClient),
}

/// A page that a browser fetches, as often as it likes, until its form is sent.
#[derive(Debug)]
pub enum View {
    /// The landing page.
    Landing(Page),
    /// The consent question.
    Consent(Page),
    /// There is no data for this person.
    Unavailable(Page),
    /// A person's own consents.
    Own(OwnPage),
}

/// A page of a visit, with all that it shows.
#[derive(Debug)]
pub struct Page {
    /// The visit.
    pub visit: LocalId,
    /// Its new keys.
    pub keys: BrowserKeys,
    /// In which language.
    pub language: Language,
    /// What is asked.
    pub question: Question,
    /// Since when this person's lasting consent to the same client and practice is in force; on the consent page.
    pub lasting: Option<Timestamp>,
    /// Why the person is not let in yet; on the page that says so.
    pub not_yet: Option<NotYet>,
    /// The origins beside our own that the page's forms may lead to, with spaces between: the client's, and that of the login
    /// service.
    pub leads_to: String,
}

type Step<T> = Result<T, JourneyError>;

impl Journey {
    /// The page at which a visit stands, for a browser that has its cookie. Nothing changes by looking.
    ///
    /// # Errors
    /// See [`Ended`].
    pub async fn look(&self, presented: Presented<'_>) -> Result<View, Ended> {
        match self.try_look(presented).await {
            Ok(view) => Ok(view),
            Err(error) => Err(self.ended(error, presented.visit, None).await),
        }
    }

    async fn try_look(&self, presented: Presented<'_>) -> Step<View> {
        let found = self.visits.look(presented.visit, hash_handle(presented.cookie), self.clock.now()).await;
        let open = found.map_err(|_| JourneyError::Ours)?.ok_or(JourneyError::StalePage)?;
        let spot = Spot { visit: open.id, language: presented.language.unwrap_or(open.language) };
        let keys = BrowserKeys::of(presented.cookie);
        let page = |request| self.page(keys, spot, &open.visit, request);
        Ok(match &open.visit {
            Visit::Landed(landed) => View::Landing(page(&landed.request)?),
            Visit::Asked(asked) => {
                let lasting = self.lasting(&asked.request, &asked.person.bsn).await?.first().map(|one| one.consented);
                View::Consent(Page { lasting, ..page(&asked.request)? })
            }
            Visit::Unavailable(unavailable) => {
                // The same work as for the question, so that its page takes no shorter.
                self.lasting(&unavailable.request, &unavailable.person.bsn).await?;
                View::Unavailable(page(&unavailable.request)?)
            }
            Visit::Managing(managing) => {
                View::Own(self.own_page(BrowserKeys::of(presented.cookie), spot, managing).await?)
            }
            Visit::AtLogin(_) | Visit::OwnAtLogin(_) => return Err(JourneyError::StalePage),
        })
    }

    fn fresh_snapshot(&self) -> Step<Arc<Snapshot>> {
        let snapshot = self.snapshot.load_full();
        if snapshot.freshness.holds(self.clock.now()) { Ok(snapshot) } else { Err(JourneyError::ListsTooOld) }
    }

    /// Whether what this request is about goes on.
    fn running(&self, request: &AuthorizeRequest) -> Step<()> {
        let snapshot = self.snapshot.load();
        let practice = snapshot.practices.practice(request.scope.provider().as_str());
        let halt = snapshot.stops.client(&request.client);
        let halt = halt.or_else(|| snapshot.stops.practice(practice?));
        halt.map_or(Ok(()), |halt| Err(JourneyError::Stopped(halt)))
    }

    /// Ends a walk on a page of ours; the record's visit id ties it to the steps before. `request` is what the walk was about,
    /// if that is known.
    async fn ended(&self, error: JourneyError, id: LocalId, request: Option<&AuthorizeRequest>) -> Ended {
        self.record_end(error, id, request).await;
        Ended::new(error, request)
    }

    /// Records that the walk ends on a page of ours, and gives the error back. The end stands whether or not the log can
    /// take it.
    pub async fn refuse(&self, error: JourneyError, id: LocalId) -> JourneyError {
        self.record_end(error, id, None).await;
        error
    }

    async fn record_end(&self, error: JourneyError, id: LocalId, request: Option<&AuthorizeRequest>) {
        let (reason, outcome) = error.reason();
        trace::refused(reason);
        let mut event = match request {
            Some(request) => self.event(Kind::AuthorizationRefused, outcome, id, request),
            None => AuditEvent::new(self.clock.now(), Kind::AuthorizationRefused, outcome),
        };
        event.local_id = Some(id);
        event.reason = Some(reason);
        event.status = Some(error.status());
        let _ = self.record(event).await;
    }

    async fn deny(&self, id: LocalId, kind: Kind, reason: &'static str, request: &AuthorizeRequest) -> Step<Next> {
        let mut event = self.event(kind, Outcome::Refused, id, request);
        event.reason = Some(reason);
        trace::refused(reason);
        self.record(event).await?;
        Ok(Next::Client(denied(request)))
    }

    fn event(&self, kind: Kind, outcome: Outcome, id: LocalId, request: &AuthorizeRequest) -> AuditEvent {
        let mut event = AuditEvent::new(self.clock.now(), kind, outcome);
        event.local_id = Some(id);
        event.request_id = request.request_id;
        event.correlation_id = request.correlation_id;
        event.client_id = Some(request.client.clone());
        trace::named(&request.client);
        event.provider = Some(request.scope.provider().clone());
        event
    }

    /// What stands for the person in a record; without it no step is recorded, so none is taken.
    fn subject(&self, bsn: &Bsn, moment: Timestamp) -> Step<Subject> {
        self.keyring.subject(bsn, moment).map_err(|_| JourneyError::Ours)
    }

    /// No step of an authorization goes on unrecorded.
    async fn record(&self, event: AuditEvent) -> Step<()> {
        let pending = self.audit.append(&whence::placed(event)).map_err(|_| JourneyError::Ours)?;
        receipt(pending).await.map(|_| ()).map_err(|_| JourneyError::Ours)
    }

    async fn taken(&self, presented: Presented<'_>) -> Result<(Spot, Visit), Ended> {
        match self.take(presented).await {
            Ok(taken) => Ok(taken),
            Err(error) => Err(self.ended(error, presented.visit, None).await),
        }
    }

    async fn or_ended(&self, step: Step<Next>, spot: Spot, request: Option<&AuthorizeRequest>) -> Result<Next, Ended> {
        match step {
            Ok(next) => Ok(next),
            Err(error) => Err(self.ended(error, spot.visit, request).await.in_language(spot.language)),
        }
    }

    async fn take(&self, presented: Presented<'_>) -> Step<(Spot, Visit)> {
        let (cookie, form) = (hash_handle(presented.cookie), hash_handle(presented.form));
        let taken = self.visits.take(presented.visit, cookie, form, self.clock.now()).await;
        let open = taken.map_err(|_| JourneyError::Ours)?.ok_or(JourneyError::StalePage)?;
        let language = presented.language.unwrap_or(open.language);
        Ok((Spot { visit: open.id, language }, open.visit))
    }

    /// Keeps a visit in its next state.
    async fn keep(&self, keys: &BrowserKeys, spot: Spot, visit: Visit) -> Step<()> {
        let expires = self.clock.now().saturating_add(self.rules.page_lifetime).map_err(|_| JourneyError::Ours)?;
        let (cookie, form) = (keys.cookie.hash(), keys.form.hash());
        let kept = OpenVisit { id: spot.visit, cookie, form, expires, visit, language: spot.language };
        self.visits.keep(kept).await.map_err(|_| JourneyError::Ours)
    }

    /// On to the page of ours at which the visit stands now.
    async fn onward(&self, spot: Spot, visit: Visit, step: &str) -> Step<Next> {
        let keys = BrowserKeys::draw();
        self.keep(&keys, spot, visit).await?;
        let address = format!("/visit/{}/{step}", spot.visit);
        Ok(Next::Onward { address, visit: spot.visit, cookie: keys.cookie })
    }

    fn page(&self, keys: BrowserKeys, spot: Spot, visit: &Visit, request: &AuthorizeRequest) -> Step<Page> {
        let snapshot = self.snapshot.load_full();
        let services = services_of(&snapshot, visit, request, self.clock.now());
        let question = question(&snapshot, request, &services).ok_or(JourneyError::StalePage)?;
        let Spot { visit: id, language } = spot;
        let not_yet = match visit {
            Visit::Unavailable(unavailable) => unavailable.not_yet,
            Visit::Landed(_) | Visit::AtLogin(_) | Visit::Asked(_) | Visit::OwnAtLogin(_) | Visit::Managing(_) => None,
        };
        Ok(Page { visit: id, keys, language, question, lasting: None, not_yet, leads_to: self.leads_to(visit) })
    }

    /// A form may lead through redirects; browsers hold each of them against `form-action`.
    fn leads_to(&self, visit: &Visit) -> String {
        let client = visit.request().map(|request| request.redirect_uri.origin().to_owned());
        let login: &[String] = match visit {
            Visit::Landed(_) => self.login.origins(),
            Visit::AtLogin(_) | Visit::Asked(_) | Visit::Unavailable(_) | Visit::OwnAtLogin(_) | Visit::Managing(_) => {
                &[]
            }
        };
        client.iter().chain(login).cloned().collect::<Vec<_>>().join(" ")
    }
}
