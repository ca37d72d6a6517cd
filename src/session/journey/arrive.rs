//! The first step: an authorization request, and the landing page.

use jiff::Timestamp;

use super::back::refused;
use super::question::{available_services, practice_of};
use super::{Ended, Journey, JourneyError, Next, Spot, Step};
use crate::audit::{AuditEvent, Kind, Outcome, services_named};
use crate::chainlog::Event;
use crate::language::Language;
use crate::medmij::{LocalId, Scope, ServiceId};
use crate::oauth::authorize::{AuthorizeRefusal, AuthorizeRequest, AuthorizeRules, BadRequest, Unoffered};
use crate::oauth::smart;
use crate::routing::Snapshot;
use crate::session::visit::{BrowserKeys, Landed, Visit};

/// A request in order, or how it is not.
type Parsed = Result<AuthorizeRequest, AuthorizeRefusal>;

impl Journey {
    /// An authorization request arrives from a browser that prefers `language`.
    ///
    /// # Errors
    /// When nobody may be redirected, or we cannot go on.
    pub async fn arrive(
        &self,
        pairs: &[(String, String)],
        local_id: LocalId,
        language: Language,
    ) -> Result<Next, Ended> {
        let (spot, parsed) = (Spot { visit: local_id, language }, self.parsed(pairs, local_id));
        self.receive(parsed, None, spot).await
    }

    /// A request of a portal arrives (SMART App Launch 2.2).
    ///
    /// # Errors
    /// As [`Journey::arrive`].
    pub async fn arrive_smart(
        &self,
        pairs: &[(String, String)],
        local_id: LocalId,
        language: Language,
    ) -> Result<Next, Ended> {
        let (spot, parsed) = (Spot { visit: local_id, language }, self.parsed_smart(pairs));
        self.receive(parsed, Some(&self.smart.issuer), spot).await
    }

    fn parsed(&self, pairs: &[(String, String)], visit: LocalId) -> Step<Parsed> {
        let snapshot = self.fresh_snapshot()?;
        let rules =
            AuthorizeRules { lists: &snapshot.lists, allow_ports: self.rules.allow_ports, form: self.rules.form };
        let parsed = AuthorizeRequest::parse(pairs, rules).and_then(|request| self.admit_scope(&snapshot, request));
        if let Err(refusal) = &parsed {
            self.note_turned_away(pairs, refusal, visit);
        }
        Ok(parsed)
    }

    fn parsed_smart(&self, pairs: &[(String, String)]) -> Step<Parsed> {
        let snapshot = self.fresh_snapshot()?;
        let parsed = smart::parse(pairs, &snapshot, &self.smart);
        Ok(parsed.and_then(|request| self.admit_scope(&snapshot, request)))
    }

    fn admit_scope(
        &self,
        snapshot: &Snapshot,
        request: AuthorizeRequest,
    ) -> Result<AuthorizeRequest, AuthorizeRefusal> {
        admit_scope(snapshot, request, self.clock.now())
    }

    async fn receive(&self, parsed: Step<Parsed>, issuer: Option<&str>, spot: Spot) -> Result<Next, Ended> {
        let step = match parsed {
            Ok(Ok(request)) => {
                if let Err(stopped) = self.running(&request) {
                    self.note_stopped(spot.visit, &request);
                    return Err(self.ended(stopped, spot.visit, Some(&request)).await);
                }
                self.show_landing(request, spot).await
            }
            Ok(Err(refusal)) => self.turn_away(refusal, issuer, spot.visit).await,
            Err(error) => Err(error),
        };
        match step {
            Ok(next) => Ok(next),
            Err(error) => Err(self.ended(error, spot.visit, None).await),
        }
    }

    async fn show_landing(&self, request: AuthorizeRequest, spot: Spot) -> Step<Next> {
        let mut event = self.event(Kind::AuthorizationRequested, Outcome::Done, spot.visit, &request);
        let services = available_services(&self.snapshot.load(), &request, event.time);
        event.detail = Some(services_named(&services).into());
        self.record(event).await?;
        self.note_arrival(spot.visit, &request);
        let (keys, visit) = (BrowserKeys::draw(), Visit::Landed(Landed { request: request.clone() }));
        let page = self.page(keys, spot, &visit, &request)?;
        self.keep(&page.keys, spot, visit).await?;
        self.note(spot.visit, &request, Event::ShowLandingPage);
        Ok(Next::Landing(page))
    }

    async fn turn_away(&self, refusal: AuthorizeRefusal, issuer: Option<&str>, local_id: LocalId) -> Step<Next> {
        let mut event = AuditEvent::new(self.clock.now(), Kind::AuthorizationRefused, Outcome::Refused);
        event.local_id = Some(local_id);
        match refusal {
            AuthorizeRefusal::Page(no_client) => Err(JourneyError::from(no_client)),
            AuthorizeRefusal::Redirect { client, redirect_uri, state, error, unoffered } => {
                event.client_id = Some(client);
                if let Some(Unoffered { provider, services }) = unoffered.map(|unoffered| *unoffered) {
                    event.provider = Some(provider);
                    event.detail = (!services.is_empty()).then(|| services_named(&services).into());
                }
                event.reason = Some(error.code());
                self.record(event).await?;
                let why = "the request cannot be served";
                Ok(Next::Client(refused(redirect_uri, state.as_ref(), issuer, error.code(), why)))
            }
        }
    }
}

/// The provider is known in the network, served here, and open; anything else is one and the same answer.
fn admit_scope(
    snapshot: &Snapshot,
    request: AuthorizeRequest,
    now: Timestamp,
) -> Result<AuthorizeRequest, AuthorizeRefusal> {
    let services = available_services(snapshot, &request, now);
    if practice_of(snapshot, &request).is_some() && !services.is_empty() {
        return Ok(request);
    }
    let unoffered = unoffered(snapshot, &request);
    Err(AuthorizeRefusal::Redirect {
        client: request.client,
        redirect_uri: request.redirect_uri,
        state: Some(request.state),
        error: BadRequest::Scope,
        unoffered,
    })
}

fn unoffered(snapshot: &Snapshot, request: &AuthorizeRequest) -> Option<Box<Unoffered>> {
    let named = match &request.scope {
        Scope::Collect(_) => &[],
        Scope::Named(_, ids) => ids.as_slice(),
        Scope::Share(_, id) => std::slice::from_ref(id),
    };
    let known = |id: &&ServiceId| snapshot.services.service(id.as_str()).is_some();
    let provider = practice_of(snapshot, request)?.provider.clone();
    let services = named.iter().filter(known).cloned().collect();
    Some(Box::new(Unoffered { provider, services }))
}
