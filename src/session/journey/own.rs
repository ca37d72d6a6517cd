//! A person outside any app: logs in, sees their lasting consents, and stops them. One that is stopped is of no use from that
//! moment, on this node at once.

use jiff::Timestamp;

use super::{Ended, Journey, JourneyError, Next, Presented, Spot, Step};
use crate::audit::{AuditEvent, Authorization, Kind, Outcome};
use crate::catalogue;
use crate::form::single;
use crate::language::Language;
use crate::medmij::{Bsn, LocalId};
use crate::oauth::authorize::AuthorizeRequest;
use crate::oauth::grant::{Grant, LastingGrant};
use crate::session::login::{Attempt, AuthenticatedPerson};
use crate::session::visit::{Asked, BrowserKeys, Goal, Managing, OwnAtLogin, Stopped, Visit};

/// What a person answers on the list of their consents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnAnswer {
    /// Stop this one.
    Stop(LocalId),
    /// Done.
    Leave,
}

/// The list of a person's lasting consents.
#[derive(Debug)]
pub struct OwnPage {
    /// The visit.
    pub visit: LocalId,
    /// Its keys.
    pub keys: BrowserKeys,
    /// In which language.
    pub language: Language,
    /// The consents in force, newest first.
    pub consents: Vec<OwnConsent>,
    /// What was stopped last.
    pub stopped: Option<Stopped>,
}

/// One lasting consent, in the names that people know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnConsent {
    /// Its id.
    pub id: LocalId,
    /// The practice.
    pub practice: String,
    /// The organisation behind the PGO.
    pub organisation: String,
    /// When it was given.
    pub since: Timestamp,
    /// When it lapses if the app collects nothing before.
    pub lapses: Timestamp,
}

impl OwnAnswer {
    /// Reads the fields of the form.
    #[must_use]
    pub fn read(fields: &[(String, String)]) -> Option<Self> {
        match (single(fields, "stop"), single(fields, "action")) {
            (Some(id), None) => LocalId::parse(id).map(Self::Stop),
            (None, Some("leave")) => Some(Self::Leave),
            _ => None,
        }
    }
}

impl Journey {
    /// A person comes by themself and goes to the login service.
    ///
    /// # Errors
    /// See [`Ended`].
    pub async fn come_alone(&self, id: LocalId, language: Language, goal: Goal) -> Result<Next, Ended> {
        let spot = Spot { visit: id, language };
        let step = self.depart_own(spot, Attempt::First, goal).await;
        self.or_ended(step, spot, None).await
    }

    pub(super) async fn depart_own(&self, spot: Spot, attempt: Attempt, goal: Goal) -> Step<Next> {
        self.depart(spot, attempt, |login| Visit::OwnAtLogin(OwnAtLogin { login, goal })).await
    }

    pub(super) async fn recognise_own(
        &self,
        spot: Spot,
        at_login: OwnAtLogin,
        person: AuthenticatedPerson,
    ) -> Step<Next> {
        let mut event = AuditEvent::new(self.clock.now(), Kind::PersonAuthenticated, Outcome::Done);
        event.local_id = Some(spot.visit);
        event.authorization = Some(Authorization::OwnLogin);
        self.record_login(event, &person).await?;
        let step = at_login.goal.step();
        self.onward(spot, Visit::Managing(at_login.authenticated(person)), step).await
    }

    pub(super) async fn own_page(&self, keys: BrowserKeys, spot: Spot, managing: &Managing) -> Step<OwnPage> {
        let found = self.grants.lasting_of(&managing.person.bsn, self.clock.now()).await;
        let consents = found.map_err(|_| JourneyError::Ours)?.iter().map(|lasting| self.own_consent(lasting)).collect();
        let Spot { visit, language } = spot;
        Ok(OwnPage { visit, keys, language, consents, stopped: managing.stopped.clone() })
    }

    fn own_consent(&self, lasting: &LastingGrant) -> OwnConsent {
        let LastingGrant { grant, lapses } = lasting;
        let Stopped { organisation, practice } = self.names_of(grant);
        OwnConsent { id: grant.id, practice, organisation, since: grant.consented, lapses: *lapses }
    }

    /// Client and practice as the lists and the register name them; as themselves when they are there no more.
    fn names_of(&self, grant: &Grant) -> Stopped {
        let snapshot = self.snapshot.load();
        let client = snapshot.lists.ocl.client(grant.client.as_str());
        let practice = snapshot.practices.practice(grant.provider.as_str());
        Stopped {
            organisation: client.map_or_else(|| grant.client.to_string(), |client| client.organisation().to_owned()),
            practice: practice.map_or_else(|| grant.provider.to_string(), |practice| practice.name.clone()),
        }
    }

    /// The person answers on the list of their consents.
    ///
    /// # Errors
    /// See [`Ended`].
    pub async fn manage(&self, presented: Presented<'_>, answer: Option<OwnAnswer>) -> Result<Next, Ended> {
        let (spot, visit) = self.taken(presented).await?;
        let request = visit.request().cloned();
        let step = match (visit, answer) {
            (Visit::Managing(managing), Some(OwnAnswer::Stop(id))) => self.stop_one(spot, managing, id).await,
            (Visit::Managing(_), Some(OwnAnswer::Leave)) => Ok(Next::OwnEnd(spot.language)),
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

    /// Stops one of the person's own; whatever else is named is not theirs, or is over, and the list says what there is.
    async fn stop_one(&self, spot: Spot, managing: Managing, id: LocalId) -> Step<Next> {
        let found = self.grants.lasting_of(&managing.person.bsn, self.clock.now()).await;
        let found = found.map_err(|_| JourneyError::Ours)?;
        let managing = match found.into_iter().find(|lasting| lasting.grant.id == id) {
            Some(LastingGrant { grant, .. }) => {
                self.withdraw(spot, &grant).await?;
                managing.stopped(self.names_of(&grant))
            }
            None => managing,
        };
        self.onward(spot, Visit::Managing(managing), "consents").await
    }

    /// This person's lasting grants to the same client and practice, newest first.
    pub(super) async fn lasting(&self, request: &AuthorizeRequest, bsn: &Bsn) -> Step<Vec<Grant>> {
        let found = self.grants.lasting_of(bsn, self.clock.now()).await.map_err(|_| JourneyError::Ours)?;
        let same = |grant: &Grant| grant.client == request.client && grant.provider == *request.scope.provider();
        Ok(found.into_iter().map(|lasting| lasting.grant).filter(same).collect())
    }

    /// The person came through an app and stops what they allowed it before; the app gets a "no".
    pub(super) async fn stop_lasting(&self, spot: Spot, asked: &Asked) -> Step<Next> {
        for grant in self.lasting(&asked.request, &asked.person.bsn).await? {
            self.withdraw(spot, &grant).await?;
        }
        self.decline(spot, Kind::ConsentRefused, Some(catalogue::WITHDRAWN.code()), &asked.request, &asked.person).await
    }

    /// Ends a grant, and records it when this is what ended it. The end is not taken back when the log cannot take it.
    async fn withdraw(&self, spot: Spot, grant: &Grant) -> Step<()> {
        let now = self.clock.now();
        let subject = self.subject(&grant.subject, now)?;
        if self.grants.end(grant.id, now).await.map_err(|_| JourneyError::Ours)? {
            let mut event = AuditEvent::new(now, Kind::ConsentWithdrawn, Outcome::Done);
            event.authorization = Some(Authorization::OwnLogin);
            event.local_id = Some(spot.visit);
            event.client_id = Some(grant.client.clone());
            event.provider = Some(grant.provider.clone());
            event.subject = Some(subject);
            event.grant = Some(grant.id);
            event.reason = Some(catalogue::WITHDRAWN.code());
            self.record(event).await?;
        }
        Ok(())
    }
}
