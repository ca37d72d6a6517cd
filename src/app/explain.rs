//! What a node with a configuration would decide on, put together without one: the register of the configuration, the last good
//! copy of the lists, and what operators set in the store. Nothing is served, fetched or written.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::assemble::{first_snapshot, marker};
use super::lists::list_source;
use super::material::{Kept, Material};
use super::operations::installations;
use super::start::StartError;
use super::store::open_store;
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::lists::{CopyFolder, NewSet, Refresher, Rules};
use crate::medmij::Bsn;
use crate::operations::follow::Followed as _;
use crate::operations::{GoLive, Installation, Switch};
use crate::practices::golive::Mark;
use crate::practices::golive::places::Places;
use crate::routing::{SharedSnapshot, Snapshot, put_lists};

/// What a node would decide on.
pub struct StandIn {
    /// What decisions read.
    pub snapshot: Arc<Snapshot>,
    /// The installations of the configuration, none of which was asked.
    pub installations: Vec<Installation>,
}

/// Puts it together. Blocks, on a thread of a runtime that may.
///
/// # Errors
/// When a file, the copy of the lists or the store cannot be used.
pub fn stand_in(config: &Config, clock: &SharedClock) -> Result<StandIn, StartError> {
    let material = Material::read(config, &config.prints(), clock, &Kept::default())?;
    let snapshot = first_snapshot(config, material.registered);
    load_lists(config, clock, &snapshot)?;
    if let config::Store::Sqlite(files) = &config.store {
        // Opening would make one.
        let failed = |source| StartError::File { path: files.path.display().to_string(), source };
        std::fs::metadata(&files.path).map_err(failed)?;
    }
    let store = open_store(config, clock, &material.outgoing)?;
    let switch = Switch::new(Arc::clone(&store) as _, Arc::clone(&snapshot), Box::new(|_| {}));
    let golive = GoLive::new(Places::new(Arc::clone(&store) as _, marker(config)?), Arc::clone(&snapshot));
    let read = Handle::current().block_on(async {
        switch.read().await?;
        golive.read().await
    });
    store.close();
    read.map_err(|_| StartError::StoreSilent)?;
    let installations = installations(config, &material.kept.his.endpoints());
    Ok(StandIn { snapshot: snapshot.load_full(), installations })
}

/// Puts the copy on disk into force, when there is one.
fn load_lists(config: &Config, clock: &SharedClock, snapshot: &SharedSnapshot) -> Result<(), StartError> {
    let section = &config.lists;
    let rules = Rules { reading: section.reading, grace: section.grace, loss_percent: section.loss_percent };
    let into = Arc::clone(snapshot);
    let publish = Arc::new(move |new: NewSet| {
        put_lists(&into, &new.lists);
        into.load().freshness.note_each(&new.given_at);
    });
    let source = Arc::new(list_source(config, clock)?);
    let copy = CopyFolder::new(section.copy.clone());
    Refresher::new(source, copy, Arc::clone(clock), rules, publish).load_copy()?;
    Ok(())
}

/// What stands for a person among those who take part in field tests and pilots, on every node with these keys.
///
/// # Errors
/// When the key cannot be used.
pub fn mark(config: &Config, person: &Bsn) -> Result<Mark, StartError> {
    Ok(marker(config)?.mark(person))
}
