//! The practices and services of a node, as records are counted against them.

use std::sync::Arc;

use super::combination::Place;
use super::visit::World;
use crate::medmij::ProviderName;
use crate::practices::programme::Register;
use crate::routing::Snapshot;
use crate::services::Catalogue;

/// The configuration in force, and the register of the programme.
#[derive(Clone)]
pub struct Known {
    /// What the gateway serves.
    pub snapshot: Arc<Snapshot>,
    /// What the programme knows.
    pub register: Arc<Register>,
}

impl World for Known {
    /// The installation that the configuration names is the one that was asked; the register knows its version. A practice of
    /// which the two name different installations has no version that is sure.
    fn place(&self, provider: &ProviderName) -> Option<Place> {
        let served = self.snapshot.practices.practice(provider.as_str());
        let system = self.register.entries().practices.get(provider).map(|practice| &practice.system);
        let asked = served.map(|practice| practice.his.as_str());
        match (asked, system) {
            (Some(his), Some(system)) if system.installation.as_str() == his => {
                Some(Place::new(his, Some(system.version.as_str())))
            }
            (Some(his), _) => Some(Place::new(his, None)),
            (None, Some(system)) => Some(Place::new(system.installation.as_str(), Some(system.version.as_str()))),
            (None, None) => None,
        }
    }

    fn services(&self) -> &Catalogue {
        &self.snapshot.services
    }
}
