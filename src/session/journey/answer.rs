//! The last step: what the person answers, and what the client gets.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::back::denied;
use super::chain::DENIED;
use super::question::{practice_of, services_to_grant};
use super::{BackToClient, Ended, Journey, JourneyError, Next, Presented, Spot, Step};
use crate::audit::{Kind, Outcome, services_named};
use crate::chainlog::Event;
use crate::form::single;
use crate::oauth::authorize::{AuthorizeRequest, Door};
use crate::oauth::code::IssuedCode;
use crate::oauth::grant::{Grant, SmartGrant};
use crate::practices::golive::NotYet;
use crate::secret::{Handle, Secret};
use crate::session::login::AuthenticatedPerson;
use crate::session::visit::{ConsentGiven, Unavailable, Visit};

/// A "no" leaves at a whole number of these after its form came in. What the gateway did for it, some microseconds more or
/// less, is then not in the moment at which the client hears of it (autoriseren 1 and 2).
const BEAT: Duration = Duration::from_millis(20);

/// What a person answers on the last page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Allow {
        /// For an indefinite period.
        lasting: bool,
    },
    /// No.
    Refuse,
    /// No, and stop what was allowed for an indefinite period before.
    Stop,
    /// Back to the app; there was nothing to ask.
    Leave,
}

impl Answer {
    /// Reads the fields of the form.
    #[must_use]
    pub fn read(fields: &[(String, String)]) -> Option<Self> {
        match (single(fields, "answer"), single(fields, "action")) {
            (Some("allow"), None) => Some(Self::Allow { lasting: single(fields, "indefinite").is_some() }),
            (Some("refuse"), None) => Some(Self::Refuse),
            (Some("stop"), None) => Some(Self::Stop),
            (None, Some("continue")) => Some(Self::Leave),
            _ => None,
        }
    }
}

/// Does the work of a "no" and waits for the next [`BEAT`] after `since`.
async fn on_the_beat(since: Instant, no: impl Future<Output = Step<Next>>) -> Step<Next> {
    let done = no.await;
    sleep_until(next_beat(since, Instant::now())).await;
    done
}

fn next_beat(since: Instant, now: Instant) -> Instant {
    let beats = now.saturating_duration_since(since).as_nanos() / BEAT.as_nanos() + 1;
    since + BEAT.saturating_mul(u32::try_from(beats).unwrap_or(u32::MAX))
}

impl Journey {
    /// The person answers. A refusal and the way back of a person without data are one and the same work.
    ///
    /// # Errors
    /// See [`Ended`].
    pub async fn answer(&self, presented: Presented<'_>, answer: Option<Answer>) -> Result<Next, Ended> {
        let since = Instant::now();
        let (spot, visit) = self.taken(presented).await?;
        let request = visit.request().cloned();
        let step = match (visit, answer) {
            (Visit::Asked(asked), Some(Answer::Allow { lasting })) => self.allow(spot, asked.consent(lasting)).await,
            (Visit::Asked(asked), Some(Answer::Refuse)) => {
                let no = self.decline(spot, Kind::ConsentRefused, None, &asked.request, &asked.person);
                on_the_beat(since, no).await
            }
            (Visit::Asked(asked), Some(Answer::Stop)) => on_the_beat(since, self.stop_lasting(spot, &asked)).await,
            (Visit::Unavailable(unavailable), Some(Answer::Leave)) => {
                let Unavailable { request, person, not_yet } = &unavailable;
                let reason = Some(not_yet.map_or("not-available", NotYet::code));
                let no = self.decline(spot, Kind::AuthorizationRefused, reason, request, person);
                on_the_beat(since, no).await
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

    pub(super) async fn decline(
        &self,
        spot: Spot,
        kind: Kind,
        reason: Option<&'static str>,
        request: &AuthorizeRequest,
        person: &AuthenticatedPerson,
    ) -> Step<Next> {
        let mut event = self.event(kind, Outcome::Refused, spot.visit, request);
        event.subject = Some(self.subject(&person.bsn, event.time)?);
        event.reason = reason;
        self.record(event).await?;
        self.note(spot.visit, request, DENIED);
        Ok(Next::Client(denied(request)))
    }

    /// What a portal gets to know beside: the id of the person's Patient resource. The adapter remembers it from the test a
    /// moment ago.
    async fn smart_grant(
        &self,
        spot: Spot,
        request: &AuthorizeRequest,
        person: &AuthenticatedPerson,
    ) -> Step<Option<SmartGrant>> {
        let Door::Smart(ask) = &request.door else { return Ok(None) };
        let snapshot = self.snapshot.load_full();
        let practice = practice_of(&snapshot, request).ok_or(JourneyError::StalePage)?;
        let patient =
            self.find_patient(&snapshot, practice, &person.bsn, spot.visit).await?.ok_or(JourneyError::StalePage)?;
        let (scope, challenge) = (ask.scope.clone(), ask.challenge);
        Ok(Some(SmartGrant { scope, challenge, patient: Secret::new(patient.id) }))
    }

    /// The person said yes. Where places are given, the last may have gone while they read: then they are told.
    async fn allow(&self, spot: Spot, given: ConsentGiven) -> Step<Next> {
        self.running(&given.request)?;
        let snapshot = self.fresh_snapshot()?;
        let services = services_to_grant(&snapshot, &given.request, &given.services, self.clock.now());
        let services = services.ok_or(JourneyError::StalePage)?;
        match self.take_places(&snapshot, &given.request, services, &given.person.bsn).await? {
            Ok(services) => self.grant(spot, ConsentGiven { services, ..given }).await,
            Err(not_yet) => {
                let ConsentGiven { request, person, .. } = given;
                let visit = Visit::Unavailable(Unavailable { request, person, not_yet: Some(not_yet) });
                self.onward(spot, visit, "consent").await
            }
        }
    }

    async fn grant(&self, spot: Spot, given: ConsentGiven) -> Step<Next> {
        let ConsentGiven { request, person, services, lasting } = given;
        let smart = self.smart_grant(spot, &request, &person).await?;
        let mut event = self.event(Kind::ConsentGiven, Outcome::Done, spot.visit, &request);
        event.subject = Some(self.subject(&person.bsn, event.time)?);
        let grant = Grant {
            // One id for the visit and the consent that comes of it: it ties the chain log together.
            id: spot.visit,
            client: request.client.clone(),
            provider: request.scope.provider().clone(),
            services,
            subject: person.bsn,
            request: request.request_id,
            correlation: request.correlation_id,
            consented: event.time,
            lasting,
            redeemed_by: None,
            smart,
        };
        event.grant = Some(grant.id);
        event.authorization = Some(grant.authorization(false));
        event.detail = Some(extent(&grant).into());
        let expires = event.time.saturating_add(self.rules.code_lifetime).unwrap_or(event.time);
        self.record(event).await?;
        let code = Handle::draw();
        let issued = IssuedCode { hash: code.hash(), redirect_uri: request.redirect_uri.clone(), expires, grant };
        self.codes.keep(issued).await.map_err(|_| JourneyError::Ours)?;
        self.note(spot.visit, &request, Event::SendAuthorizationResponse(None));
        Ok(Next::Client(BackToClient::with_code(request, &code)))
    }
}

/// To what a person said yes: the practice must be able to prove it, also when the grant is long gone.
fn extent(grant: &Grant) -> String {
    let how_long = if grant.lasting { "for an indefinite period" } else { "for this time" };
    format!("{}, {how_long}", services_named(&grant.services))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_leaves_at_whole_beats_and_never_before_its_work_is_done() {
        let since = Instant::now();
        for (work_us, beats) in [(0, 1), (1, 1), (19_999, 1), (20_000, 2), (20_001, 2), (59_000, 3)] {
            let now = since + Duration::from_micros(work_us);
            assert_eq!(next_beat(since, now), since + BEAT * beats, "{work_us} us");
        }
    }
}
