//! Where stages and places are kept, so that every node has them, and who gets a place.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Entrance, Mark, Marker, NotYet, People, Stage, Stages, Whom};
use crate::medmij::{Bsn, LocalId, ServiceId};
use crate::oauth::store::{StoreError, StoreFuture};
use crate::practices::Practice;

/// Most entrances that have a stage of their own.
pub const ENTRANCES_MAX: usize = 20_000;
/// Most people who have a place, over all entrances.
pub const PEOPLE_MAX: usize = 50_000;
/// Most changes of one entrance that are told of the past.
pub const PAST_MAX: usize = 100;

/// A stage that was set at an entrance, or taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which change.
    pub id: LocalId,
    /// Where.
    pub entrance: Entrance,
    /// The how manieth of this entrance, from 1. Of two editors who saw the same, one comes first and the other is told.
    pub number: u32,
    /// What it is from then on; without one it is again as configured.
    pub stage: Option<Stage>,
    /// Why, in somebody's own words.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What came of asking for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seated {
    /// The person has one now.
    Now,
    /// The person had one.
    Before,
    /// All are taken.
    Full,
}

/// How the places stood when they were counted: who finds the same need not read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// How many are taken.
    pub taken: u64,
    /// When the newest was taken, in microseconds.
    pub newest_us: i64,
}

/// Keeps stages and places.
pub trait GoLiveStore: Send + Sync {
    /// Keeps a change; whether it was the next of its entrance.
    fn change(&self, change: Change) -> StoreFuture<'_, bool>;

    /// The newest change of each entrance, at most [`ENTRANCES_MAX`], in the order of their names.
    fn newest(&self) -> StoreFuture<'_, Vec<Change>>;

    /// The changes of one entrance, newest first, at most [`PAST_MAX`].
    fn changes(&self, entrance: &Entrance) -> StoreFuture<'_, Vec<Change>>;

    /// Gives a person a place, if one is left; `places` is how many there are, without a number as many as are asked for. The
    /// first mark is that of the present key.
    fn seat(
        &self,
        entrance: &Entrance,
        marks: Vec<Mark>,
        places: Option<u16>,
        at: Timestamp,
    ) -> StoreFuture<'_, Seated>;

    /// Takes a person's place away; whether they had one.
    fn unseat(&self, entrance: &Entrance, marks: Vec<Mark>) -> StoreFuture<'_, bool>;

    /// How the places stand.
    fn count(&self) -> StoreFuture<'_, Count>;

    /// Everybody who has a place, at most [`PEOPLE_MAX`].
    fn seated(&self) -> StoreFuture<'_, Vec<(Entrance, Mark)>>;
}

/// Gives people places in field tests and pilots.
#[derive(Clone)]
pub struct Places {
    store: Arc<dyn GoLiveStore>,
    marker: Marker,
}

/// How far the practices are, as one snapshot has it.
#[derive(Clone, Copy)]
pub struct Doors<'a> {
    /// The stages.
    pub stages: &'a Stages,
    /// Who has a place.
    pub people: &'a People,
    /// The practice that somebody wants in at.
    pub practice: &'a Practice,
}

impl Doors<'_> {
    /// Whether there is, or would be, a place for this person, as far as this node knows.
    fn foresee(self, service: &ServiceId, person: &Bsn) -> Result<(), NotYet> {
        let Some((Entrance { provider, service }, places)) = self.stages.door(self.practice, service) else {
            return if self.stages.is_open(self.practice, service) { Ok(()) } else { Err(NotYet::Closed) };
        };
        let service = service.as_ref();
        let is_free = places.is_some_and(|places| self.people.taken(&provider, service) < usize::from(places));
        let stranger = if places.is_some() { NotYet::PilotPerson } else { NotYet::FieldTest };
        if is_free || self.people.know(&provider, service, Whom::Person(person)) { Ok(()) } else { Err(stranger) }
    }
}

impl Places {
    /// With this store, and the marks that its nodes share.
    #[must_use]
    pub const fn new(store: Arc<dyn GoLiveStore>, marker: Marker) -> Self {
        Self { store, marker }
    }

    /// Where they are kept.
    #[must_use]
    pub fn store(&self) -> &dyn GoLiveStore {
        &*self.store
    }

    /// What marks people.
    #[must_use]
    pub const fn marker(&self) -> &Marker {
        &self.marker
    }

    /// Those of the services that would let this person in. Takes no place: a person may still say no.
    ///
    /// # Errors
    /// Why the first does not, when none does.
    pub fn foreseen(doors: Doors<'_>, services: Vec<ServiceId>, person: &Bsn) -> Result<Vec<ServiceId>, NotYet> {
        let told = services.into_iter().map(|service| doors.foresee(&service, person).map(|()| service));
        left(told.collect())
    }

    /// The same, with a place taken where one is needed.
    ///
    /// # Errors
    /// When the store does not answer; inside, why the first service lets them not in, when none does.
    pub async fn take(
        &self,
        doors: Doors<'_>,
        services: Vec<ServiceId>,
        person: &Bsn,
        at: Timestamp,
    ) -> Result<Result<Vec<ServiceId>, NotYet>, StoreError> {
        let mut told = Vec::with_capacity(services.len());
        for service in services {
            let taken = match doors.stages.door(doors.practice, &service) {
                Some((entrance, Some(places))) => self.seat(&entrance, person, places, at).await?,
                Some((_, None)) | None => doors.foresee(&service, person),
            };
            told.push(taken.map(|()| service));
        }
        Ok(left(told))
    }

    async fn seat(
        &self,
        entrance: &Entrance,
        person: &Bsn,
        places: u16,
        at: Timestamp,
    ) -> Result<Result<(), NotYet>, StoreError> {
        Ok(match self.store.seat(entrance, self.marker.marks(person), Some(places), at).await? {
            Seated::Now | Seated::Before => Ok(()),
            Seated::Full => Err(NotYet::PilotPerson),
        })
    }
}

/// What is left of the services.
fn left(told: Vec<Result<ServiceId, NotYet>>) -> Result<Vec<ServiceId>, NotYet> {
    let first = told.iter().find_map(|told| told.as_ref().err().copied());
    let services: Vec<_> = told.into_iter().flatten().collect();
    match (services.is_empty(), first) {
        (true, Some(not_yet)) => Err(not_yet),
        (_, _) => Ok(services),
    }
}
