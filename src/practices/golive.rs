//! Go-live: how far a practice is with a service, from closed to open to everybody, and whom that lets in. What operators set
//! stands before what the configuration says; both are read on each request.
//!
//! A practice opens in steps (OPEN, controlled introduction, 2021): a field test with people who are named, a pilot with at most so
//! many, and then everybody. Who takes part is known by a keyed mark of their BSN, so that no list of names is kept.

mod people;
pub mod places;
mod stage;

pub use people::{Mark, Marker, People, Whom};
pub use stage::{Entrance, Pilot, Stage, StageFault};

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{GoLive, Practice};
use crate::medmij::{Hostname, ProviderName, ServiceId};

/// Why somebody is not let in yet, or for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotYet {
    /// Nobody is.
    #[error("the practice is closed")]
    Closed,
    /// It was open, and will be again.
    #[error("the practice has paused access")]
    Paused,
    /// A field test is held, and the person is not one of those named.
    #[error("a field test is held with other people")]
    FieldTest,
    /// A pilot is held, and not with this app.
    #[error("a pilot is held with other apps")]
    PilotClient,
    /// A pilot is planned, or over.
    #[error("the pilot is not held on this day")]
    PilotDays,
    /// A pilot is held, and the person has no place in it.
    #[error("the pilot is held with other people")]
    PilotPerson,
}

impl NotYet {
    /// Each of them.
    pub const ALL: [Self; 6] =
        [Self::Closed, Self::Paused, Self::FieldTest, Self::PilotClient, Self::PilotDays, Self::PilotPerson];

    /// Our code of it: the reason in the audit. A client of MedMij is not told which it is.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Closed => "practice-closed",
            Self::Paused => "practice-paused",
            Self::FieldTest => "not-in-field-test",
            Self::PilotClient => "client-not-in-pilot",
            Self::PilotDays => "outside-pilot-days",
            Self::PilotPerson => "not-in-pilot",
        }
    }
}

/// What somebody comes with, as far as go-live asks for it.
#[derive(Debug, Clone, Copy)]
pub struct Visitor<'a> {
    /// The app or portal.
    pub client: &'a Hostname,
    /// The day, in the Netherlands.
    pub today: Date,
}

/// A person who holds a consent.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// Who.
    pub person: Whom<'a>,
    /// Since when the consent stands. One that was given under the stage in force passed its door.
    pub consented: Timestamp,
}

/// A stage in force, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How far.
    pub stage: Stage,
    /// Since when.
    pub since: Timestamp,
}

/// What operators set, for every practice: what a decision reads.
#[derive(Debug, Clone, Default)]
pub struct Stages {
    of: HashMap<ProviderName, OfPractice>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct OfPractice {
    all: Option<Standing>,
    services: HashMap<ServiceId, Standing>,
}

impl FromIterator<(Entrance, Standing)> for Stages {
    fn from_iter<I: IntoIterator<Item = (Entrance, Standing)>>(set: I) -> Self {
        let mut of: HashMap<_, OfPractice> = HashMap::new();
        for (Entrance { provider, service }, standing) in set {
            let own = of.entry(provider).or_default();
            match service {
                Some(service) => drop(own.services.insert(service, standing)),
                None => own.all = Some(standing),
            }
        }
        Self { of }
    }
}

/// Which stage counts, and of which entrance it is.
#[derive(Debug, Clone, Copy)]
pub enum InForce<'a> {
    /// What the configuration says.
    Configured(GoLive),
    /// What operators set for the service.
    OfService(&'a Standing),
    /// What operators set for the practice.
    OfPractice(&'a Standing),
}

impl InForce<'_> {
    /// How far.
    #[must_use]
    pub const fn stage(&self) -> &Stage {
        match self {
            Self::Configured(GoLive::Open) => &Stage::Open,
            Self::Configured(GoLive::Closed) => &Stage::Closed,
            Self::OfService(standing) | Self::OfPractice(standing) => &standing.stage,
        }
    }

    /// Since when, when operators set it.
    #[must_use]
    pub const fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Configured(_) => None,
            Self::OfService(standing) | Self::OfPractice(standing) => Some(standing.since),
        }
    }
}

impl Stages {
    /// The stage that counts: that of the service, else that of the practice, else the configured one.
    #[must_use]
    pub fn in_force(&self, practice: &Practice, service: &ServiceId) -> InForce<'_> {
        let configured = InForce::Configured(practice.state);
        if self.of.is_empty() {
            return configured;
        }
        let Some(own) = self.of.get(&practice.provider) else { return configured };
        match (own.services.get(service), &own.all) {
            (Some(standing), _) => InForce::OfService(standing),
            (None, Some(standing)) => InForce::OfPractice(standing),
            (None, None) => configured,
        }
    }

    /// Whether everybody is let in, so that nothing more need be asked.
    #[must_use]
    pub fn is_open(&self, practice: &Practice, service: &ServiceId) -> bool {
        *self.in_force(practice, service).stage() == Stage::Open
    }

    /// Whether this app may bring somebody here today, before it is known whom.
    ///
    /// # Errors
    /// Why not.
    pub fn greets(&self, practice: &Practice, service: &ServiceId, visitor: Visitor<'_>) -> Result<(), NotYet> {
        match self.in_force(practice, service).stage() {
            Stage::Open | Stage::FieldTest => Ok(()),
            Stage::Closed => Err(NotYet::Closed),
            Stage::Paused => Err(NotYet::Paused),
            Stage::Pilot(pilot) => pilot.greets(visitor),
        }
    }

    /// Whether a person who holds a consent may use it here today.
    ///
    /// # Errors
    /// Why not.
    pub fn admits(
        &self,
        people: &People,
        practice: &Practice,
        service: &ServiceId,
        (visitor, holder): (Visitor<'_>, Holder<'_>),
    ) -> Result<(), NotYet> {
        let in_force = self.in_force(practice, service);
        let stranger = match in_force.stage() {
            Stage::Open => return Ok(()),
            Stage::Closed => return Err(NotYet::Closed),
            Stage::Paused => return Err(NotYet::Paused),
            Stage::FieldTest => NotYet::FieldTest,
            Stage::Pilot(pilot) => {
                pilot.greets(visitor)?;
                NotYet::PilotPerson
            }
        };
        // Who consented under this stage got a place first; that place may not have come round to every node yet.
        let is_known = in_force.since().is_some_and(|since| holder.consented >= since)
            || people.know(&practice.provider, service_of(&in_force, service), holder.person);
        if is_known { Ok(()) } else { Err(stranger) }
    }

    /// Which entrance a person who wants this service goes through, when places are given at it: the entrance, and how many
    /// places it has. Without a number, places are given by operators only.
    #[must_use]
    pub fn door(&self, practice: &Practice, service: &ServiceId) -> Option<(Entrance, Option<u16>)> {
        let in_force = self.in_force(practice, service);
        let places = match in_force.stage() {
            Stage::Open | Stage::Closed | Stage::Paused => return None,
            Stage::FieldTest => None,
            Stage::Pilot(pilot) => Some(pilot.places()),
        };
        let service = service_of(&in_force, service).cloned();
        Some((Entrance { provider: practice.provider.clone(), service }, places))
    }

    /// Whether some service is open to everybody here, so that a person who looks for the practice can be sent to it.
    #[must_use]
    pub fn opens(&self, practice: &Practice) -> bool {
        let own = self.of.get(&practice.provider);
        let is_open = |standing: &Standing| standing.stage == Stage::Open;
        let whole = own.and_then(|own| own.all.as_ref());
        whole.map_or(practice.state == GoLive::Open, is_open)
            || own.is_some_and(|own| own.services.values().any(is_open))
    }
}

/// The service whose entrance it is; `None` when it is that of the whole practice.
const fn service_of<'a>(in_force: &InForce<'_>, service: &'a ServiceId) -> Option<&'a ServiceId> {
    match in_force {
        InForce::OfService(_) => Some(service),
        InForce::OfPractice(_) | InForce::Configured(_) => None,
    }
}

#[cfg(test)]
mod tests;
