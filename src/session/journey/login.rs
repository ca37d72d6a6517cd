//! From the landing page to the login service, back from it, and whether the practice has data for who came.

use std::time::Instant;

use super::question::practice_of;
use super::{Ended, Journey, JourneyError, Next, Presented, Spot, Step};
use crate::audit::{AuditEvent, Kind, Outcome};
use crate::availability::{Moment, find_available};
use crate::medmij::{Bsn, LocalId};
use crate::practices::Practice;
use crate::session::login::{Attempt, AuthenticatedPerson, Departure, LoginEnd};
use crate::session::visit::{AtLogin, BrowserKeys, Landed, Visit};

impl Journey {
    /// The person answers the landing page.
    ///
    /// # Errors
    /// See [`Ended`].
    pub async fn land(&self, presented: Presented<'_>, action: &str) -> Result<Next, Ended> {
        let (spot, visit) = self.taken(presented).await?;
        let request = visit.request().clone();
        let step = match (visit, action) {
            (Visit::Landed(landed), "continue") => self.send_to_login(spot, landed, Attempt::First).await,
            (Visit::Landed(landed), "cancel") => {
                self.deny(spot.visit, Kind::AuthorizationRefused, "cancelled", &landed.request).await
            }
            (Visit::Landed(_) | Visit::AtLogin(_) | Visit::Asked(_) | Visit::Unavailable(_), _) => {
                Err(JourneyError::BadForm)
            }
        };
        self.or_ended(step, spot, &request).await
    }

    async fn send_to_login(&self, spot: Spot, landed: Landed, attempt: Attempt) -> Step<Next> {
        let keys = BrowserKeys::draw();
        let deadline = self.login_deadline();
        let departure = Departure { visit: spot.visit, key: &keys.form, attempt, language: spot.language, deadline };
        let way = self.login.start(departure).await?;
        let at_login = Visit::AtLogin(landed.proceed(way.state));
        let page = self.open_with(keys, spot, at_login, &self.snapshot.load_full()).await?;
        Ok(Next::Login { address: way.address, page })
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
        let request = visit.request().clone();
        let step = match visit {
            Visit::AtLogin(at_login) => self.read_login(spot, at_login, fields).await,
            Visit::Landed(_) | Visit::Asked(_) | Visit::Unavailable(_) => Err(JourneyError::BadForm),
        };
        self.or_ended(step, spot, &request).await
    }

    async fn read_login(&self, spot: Spot, at_login: AtLogin, fields: &[(String, String)]) -> Step<Next> {
        let failed = |reason| (Kind::AuthenticationFailed, reason);
        let (kind, reason) = match self.login.finish(at_login.login.clone(), fields, self.login_deadline()).await {
            Ok(person) => return self.recognise(spot, at_login, person).await,
            Err(LoginEnd::NotABsn) => {
                return self.send_to_login(spot, at_login.once_more(), Attempt::AfterATypo).await;
            }
            Err(LoginEnd::Unavailable(unavailable)) => return Err(unavailable.into()),
            Err(LoginEnd::Cancelled) => failed("login-cancelled"),
            Err(LoginEnd::Failed) => failed("login-failed"),
        };
        self.deny(spot.visit, kind, reason, &at_login.request).await
    }

    /// Not treated here, no data, too young: the person is told, and goes back by a button of the same form as that of the
    /// consent page. What the client sees, also in time, is then the same as a "no" (autoriseren 1 and 2).
    async fn recognise(&self, spot: Spot, at_login: AtLogin, person: AuthenticatedPerson) -> Step<Next> {
        let mut event = self.event(Kind::PersonAuthenticated, Outcome::Done, spot.visit, &at_login.request);
        event.subject = Some(self.pseudonyms.at(&person.bsn, event.time));
        let how = format!("{} {} {}", person.method.as_str(), person.level.as_str(), person.at);
        self.record(AuditEvent { detail: Some(how.into()), ..event }).await?;
        let snapshot = self.snapshot.load_full();
        let practice = practice_of(&snapshot, &at_login.request).ok_or(JourneyError::StalePage)?;
        let available = self.is_available(practice, &person.bsn, spot.visit).await?;
        let asked = at_login.authenticated(person);
        let visit = if available { Visit::Asked(asked) } else { Visit::Unavailable(asked.unavailable()) };
        Ok(Next::Answer(self.open(spot, visit, &snapshot).await?))
    }

    /// The availability test at its early moment (VZ): known at the practice, and old enough.
    async fn is_available(&self, practice: &Practice, bsn: &Bsn, id: LocalId) -> Step<bool> {
        let adapter = self.adapters.get(&practice.his).ok_or(JourneyError::Ours)?;
        let deadline = self.clock.monotonic() + self.rules.availability_deadline;
        let moment = Moment { local_id: id, now: self.clock.now(), deadline };
        let found = find_available(adapter.as_ref(), practice, bsn, moment).await.map_err(JourneyError::His)?;
        Ok(found.is_some())
    }
}
