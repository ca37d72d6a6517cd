//! Go-live as operators change it: kept in the store that all nodes share, read by each every second, so a change is in force
//! everywhere within two.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::follow::Followed;
use crate::medmij::Bsn;
use crate::oauth::store::{StoreError, StoreFuture};
use crate::practices::golive::places::{Change, Count, Places, Seated};
use crate::practices::golive::{Entrance, People, Standing};
use crate::routing::{SharedSnapshot, put_people, put_stages};

/// Go-live on a node.
pub struct GoLive {
    places: Places,
    snapshot: SharedSnapshot,
    known: ArcSwap<Known>,
    /// One reading at a time, so that an older one never replaces a newer one.
    turn: Semaphore,
}

/// What was read last.
#[derive(Default)]
struct Known {
    changes: Arc<Vec<Change>>,
    count: Count,
}

impl GoLive {
    /// One that has read nothing yet.
    #[must_use]
    pub fn new(places: Places, snapshot: SharedSnapshot) -> Self {
        Self { places, snapshot, known: ArcSwap::default(), turn: Semaphore::new(1) }
    }

    /// Where people get their places.
    #[must_use]
    pub const fn places(&self) -> &Places {
        &self.places
    }

    /// The newest change of each entrance, as this node last read them.
    #[must_use]
    pub fn known(&self) -> Arc<Vec<Change>> {
        Arc::clone(&self.known.load().changes)
    }

    /// The changes of one entrance, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn past(&self, entrance: &Entrance) -> Result<Vec<Change>, StoreError> {
        self.places.store().changes(entrance).await
    }

    /// Puts a change into force, here at once and on every other node within two seconds; whether nobody was first.
    ///
    /// # Errors
    /// When the store does not answer: whether it was done is not known.
    pub async fn change(&self, change: Change) -> Result<bool, StoreError> {
        let done = self.places.store().change(change).await?;
        self.read_now().await?;
        Ok(done)
    }

    /// Gives a person a place at an entrance; whether they had none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn seat(&self, entrance: &Entrance, person: &Bsn, at: Timestamp) -> Result<bool, StoreError> {
        let seated = self.places.store().seat(entrance, self.places.marker().marks(person), None, at).await?;
        self.read_now().await?;
        Ok(seated == Seated::Now)
    }

    /// Takes a person's place away; whether they had one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn unseat(&self, entrance: &Entrance, person: &Bsn) -> Result<bool, StoreError> {
        let had = self.places.store().unseat(entrance, self.places.marker().marks(person)).await?;
        self.read_now().await?;
        Ok(had)
    }

    async fn read_now(&self) -> Result<(), StoreError> {
        let _turn = self.turn.acquire().await.map_err(|_| StoreError)?;
        let known = self.known.load_full();
        let (changes, count) = (self.places.store().newest().await?, self.places.store().count().await?);
        if *known.changes != changes {
            let set = changes.iter().filter_map(|change| {
                let stage = change.stage.clone()?;
                Some((change.entrance.clone(), Standing { stage, since: change.at }))
            });
            put_stages(&self.snapshot, &Arc::new(set.collect()));
        }
        if known.count != count {
            put_people(
                &self.snapshot,
                &Arc::new(People::new(self.places.marker().clone(), self.places.store().seated().await?)),
            );
        }
        self.known.store(Arc::new(Known { changes: Arc::new(changes), count }));
        Ok(())
    }
}

impl Followed for GoLive {
    const WHAT: &str = "go-live";

    fn read(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.read_now())
    }
}
