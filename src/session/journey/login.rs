//! From the landing page to the login service, back from it, and whether the practice has data for who came.

use std::time::Instant;

use super::chain::{DENIED, Trace, login_event};
use super::question::{available_services, practice_of};
use super::{Ended, Journey, JourneyError, Next, Presented, Spot, Step};
use crate::audit::{AuditEvent, Kind, Outcome};
use crate::availability::{Moment, find_available};
use crate::catalogue;
use crate::chainlog::Event;
use crate::his::HisPatient;
use crate::medmij::{Bsn, LocalId, ServiceId};
use crate::oauth::authorize::AuthorizeRequest;
use crate::practices::Practice;
use crate::practices::golive::NotYet;
use crate::practices::golive::places::{Doors, Places};
use crate::routing::Snapshot;
use crate::session::login::{Attempt, AuthenticatedPerson, Departure, LoginEnd, LoginState};
use crate::session::visit::{AtLogin, BrowserKeys, Landed, OwnAtLogin, Visit};
use crate::trace;

impl Journey {
    /// The person answers the landing page.
    ///
    /// # Errors
    /// See [`Ended`].
    pub async fn land(&self, presented: Presented<'_>, action: &str) -> Result<Next, Ended> {
        let (spot, visit) = self.taken(presented).await?;
        let request = visit.request().cloned();
        let step = match (visit, action) {
            (Visit::Landed(landed), "continue") => self.send_to_login(spot, landed, Attempt::First).await,
            (Visit::Landed(landed), "cancel") => {
                self.note(spot.visit, &landed.request, Event::SendAuthorizationCancellation);
                self.deny(spot.visit, Kind::AuthorizationRefused, catalogue::CANCELLED.code(), &landed.request).await
            }
            (
                Visit::Landed(_)
                | Visit::AtLogin(_)
                | Visit::Asked(_)
                | Visit::Unavailable(_)
                | Visit::OwnAtLogin(_)
                | Visit::Managing(_),
                _,
            ) => Err(JourneyError::BadForm),
        };
        self.or_ended(step, spot, request.as_ref()).await
    }

    async fn send_to_login(&self, spot: Spot, landed: Landed, attempt: Attempt) -> Step<Next> {
        self.running(&landed.request)?;
        let trace = Trace::of(&landed.request);
        let next = self.depart(spot, attempt, |state| Visit::AtLogin(landed.proceed(state))).await?;
        self.note_as(spot.visit, trace, Event::SendAuthenticationRequest);
        Ok(next)
    }

    /// Off to the login service; `next` makes the state in which the visit waits.
    pub(super) async fn depart(
        &self,
        spot: Spot,
        attempt: Attempt,
        next: impl FnOnce(LoginState) -> Visit,
    ) -> Step<Next> {
        let keys = BrowserKeys::draw();
        let deadline = self.login_deadline();
        let departure = Departure { visit: spot.visit, key: &keys.form, attempt, language: spot.language, deadline };
        let way = self.login.start(departure).await?;
        self.keep(&keys, spot, next(way.state)).await?;
        Ok(Next::Onward { address: way.address, visit: spot.visit, cookie: keys.cookie })
    }

    fn login_deadline(&self) -> Instant {
        self.clock.monotonic() + self.rules.login_deadline
    }

    /// The person comes back from the login service.
    ///
    /// # Errors
    /// See [`Ended`].
    pub async fn return_from_login(
        &self,
        presented: Presented<'_>,
        fields: &[(String, String)],
    ) -> Result<Next, Ended> {
        let (spot, visit) = self.taken(presented).await?;
        let request = visit.request().cloned();
        let step = match visit {
            Visit::AtLogin(at_login) => self.read_login(spot, at_login, fields).await,
            Visit::OwnAtLogin(at_login) => self.read_own_login(spot, at_login, fields).await,
            Visit::Landed(_) | Visit::Asked(_) | Visit::Unavailable(_) | Visit::Managing(_) => {
                Err(JourneyError::BadForm)
            }
        };
        self.or_ended(step, spot, request.as_ref()).await
    }

    async fn read_login(&self, spot: Spot, at_login: AtLogin, fields: &[(String, String)]) -> Step<Next> {
        let finished = self.finish_login(&at_login.login, fields).await;
        self.note(spot.visit, &at_login.request, login_event(finished.as_ref().err()));
        let reason = match finished {
            Ok(person) => return self.recognise(spot, at_login, person).await,
            Err(LoginEnd::NotABsn) => {
                return self.send_to_login(spot, at_login.once_more(), Attempt::AfterATypo).await;
            }
            Err(LoginEnd::Unavailable(unavailable)) => return Err(unavailable.into()),
            Err(LoginEnd::Cancelled) => catalogue::LOGIN_CANCELLED.code(),
            Err(LoginEnd::Failed) => catalogue::LOGIN_FAILED.code(),
        };
        self.note(spot.visit, &at_login.request, DENIED);
        self.deny(spot.visit, Kind::AuthenticationFailed, reason, &at_login.request).await
    }

    async fn read_own_login(&self, spot: Spot, at_login: OwnAtLogin, fields: &[(String, String)]) -> Step<Next> {
        let goal = at_login.goal;
        let reason = match self.finish_login(&at_login.login, fields).await {
            Ok(person) => return self.recognise_own(spot, at_login, person).await,
            Err(LoginEnd::NotABsn) => return self.depart_own(spot, Attempt::AfterATypo, goal).await,
            Err(LoginEnd::Unavailable(unavailable)) => return Err(unavailable.into()),
            Err(LoginEnd::Cancelled) => catalogue::LOGIN_CANCELLED.code(),
            Err(LoginEnd::Failed) => catalogue::LOGIN_FAILED.code(),
        };
        let mut event = AuditEvent::new(self.clock.now(), Kind::AuthenticationFailed, Outcome::Refused);
        event.local_id = Some(spot.visit);
        event.reason = Some(reason);
        self.record(event).await?;
        Ok(Next::OwnStart(goal))
    }

    async fn finish_login(
        &self,
        state: &LoginState,
        fields: &[(String, String)],
    ) -> Result<AuthenticatedPerson, LoginEnd> {
        self.login.finish(state.clone(), fields, self.login_deadline()).await
    }

    /// Who logged in, how sure the service is, and when, goes into the record.
    pub(super) async fn record_login(&self, event: AuditEvent, person: &AuthenticatedPerson) -> Step<()> {
        let subject = Some(self.subject(&person.bsn, event.time)?);
        let how = format!("{} {} {}", person.method.as_str(), person.level.as_str(), person.at);
        self.record(AuditEvent { subject, detail: Some(how.into()), ..event }).await
    }

    /// Not treated here, no data, too young: the person is told, and goes back by a button of the same form as that of the
    /// consent page. What the client sees, also in time, is then the same as a "no" (autoriseren 1 and 2).
    async fn recognise(&self, spot: Spot, at_login: AtLogin, person: AuthenticatedPerson) -> Step<Next> {
        let event = self.event(Kind::PersonAuthenticated, Outcome::Done, spot.visit, &at_login.request);
        self.record_login(event, &person).await?;
        self.running(&at_login.request)?;
        let snapshot = self.snapshot.load_full();
        let practice = practice_of(&snapshot, &at_login.request).ok_or(JourneyError::StalePage)?;
        let services = available_services(&snapshot, &at_login.request, self.clock.now());
        let available = self.find_patient(&snapshot, practice, &person.bsn, spot.visit).await?.is_some();
        let trace = Trace::of(&at_login.request);
        // Who is outside is told so whether or not the practice knows them: that it does is told nobody.
        let let_in = Places::foreseen(doors(&snapshot, practice), services, &person.bsn);
        let not_yet = let_in.as_ref().err().copied();
        let asked = at_login.authenticated(person, let_in.unwrap_or_default());
        let visit = match not_yet {
            None if available => Visit::Asked(asked),
            _ => Visit::Unavailable(asked.unavailable(not_yet)),
        };
        let next = self.onward(spot, visit, "consent").await?;
        self.note_as(spot.visit, trace, Event::ShowConsentPage);
        Ok(next)
    }

    /// Takes the places that the services need, and leaves out those that have none for this person.
    pub(super) async fn take_places(
        &self,
        snapshot: &Snapshot,
        request: &AuthorizeRequest,
        services: Vec<ServiceId>,
        bsn: &Bsn,
    ) -> Step<Result<Vec<ServiceId>, NotYet>> {
        let practice = practice_of(snapshot, request).ok_or(JourneyError::StalePage)?;
        let taken = self.places.take(doors(snapshot, practice), services, bsn, self.clock.now()).await;
        taken.map_err(|_| JourneyError::Ours)
    }

    /// The availability test at its early moment (VZ): known at the practice, and old enough.
    pub(super) async fn find_patient(
        &self,
        snapshot: &Snapshot,
        practice: &Practice,
        bsn: &Bsn,
        id: LocalId,
    ) -> Step<Option<HisPatient>> {
        let adapter = snapshot.adapters.of(&practice.his).ok_or(JourneyError::Ours)?;
        let deadline = self.clock.monotonic() + self.rules.availability_deadline;
        let moment = Moment { local_id: id, now: self.clock.now(), deadline };
        let found = find_available(adapter.as_ref(), practice, bsn, moment);
        trace::during(trace::Step::Availability, &*self.clock, found).await.map_err(JourneyError::His)
    }
}

fn doors<'a>(snapshot: &'a Snapshot, practice: &'a Practice) -> Doors<'a> {
    Doors { stages: &snapshot.stages, people: &snapshot.people, practice }
}
