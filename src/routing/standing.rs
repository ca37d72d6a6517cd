//! Which of our open practices list which service, ready for the decision.
//!
//! It follows from a snapshot and decides nothing new: it only spares the way through list, version, service and register,
//! each with its own texts, for the answer that is nearly always yes. What it does not say yes to goes that way.

use std::sync::Arc;

use super::{Interfaces, Snapshot};
use crate::lists::Lists;
use crate::medmij::ProviderName;
use crate::practices::golive::Stages;
use crate::practices::{Place, Practice, PracticeRegister};
use crate::services::{Audience, Catalogue, Service};

/// What follows from one set of lists, register, catalogue and versions. Made by [`Snapshot::indexed`].
#[derive(Debug, Clone, Default)]
pub struct Standing(Option<Arc<Indexed>>);

#[derive(Debug)]
struct Indexed {
    /// For each practice, by its place in the register, a bit for each of the first 64 services of the catalogue: whether it is
    /// open to everybody for the service and lists it. Eight bytes a practice stay in the caches of the processor however many there are: over
    /// 200,000 practices the look-ups by name took 3.4 times as long as over 200 (bar L of `benches/decision`).
    listed: Vec<u64>,
    lists: Arc<Lists>,
    practices: Arc<PracticeRegister>,
    services: Arc<Catalogue>,
    interfaces: Interfaces,
    stages: Arc<Stages>,
}

impl Standing {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let Snapshot { lists, practices, services, interfaces, stages, .. } = snapshot;
        let listed = practices.iter().map(|practice| listed_by(snapshot, practice)).collect();
        let (lists, practices, services) = (Arc::clone(lists), Arc::clone(practices), Arc::clone(services));
        let (interfaces, stages) = (interfaces.clone(), Arc::clone(stages));
        Self(Some(Arc::new(Indexed { listed, lists, practices, services, interfaces, stages })))
    }
}

impl Indexed {
    /// Whether it follows from this snapshot: from the very same values, which it holds, so that no other can be taken for them.
    fn is_of(&self, snapshot: &Snapshot) -> bool {
        Arc::ptr_eq(&self.lists, &snapshot.lists)
            && Arc::ptr_eq(&self.practices, &snapshot.practices)
            && Arc::ptr_eq(&self.services, &snapshot.services)
            && self.interfaces.is(&snapshot.interfaces)
            && Arc::ptr_eq(&self.stages, &snapshot.stages)
    }
}

impl Snapshot {
    /// The practice at this place, when it is open to everybody for the service at this place of the catalogue and lists it. `None`
    /// says nothing.
    pub(super) fn open_and_listed(&self, practice: Place, service: usize) -> Option<&Practice> {
        let indexed = self.standing.0.as_ref().filter(|indexed| indexed.is_of(self))?;
        let listed = indexed.listed.get(practice.index())?;
        let bit = u32::try_from(service).ok().and_then(|service| 1_u64.checked_shl(service))?;
        self.practices.at(practice).filter(|_| listed & bit != 0)
    }
}

fn listed_by(snapshot: &Snapshot, practice: &Practice) -> u64 {
    let open = |service: &Service| snapshot.stages.is_open(practice, &service.id);
    let has = |service: &Service| open(service) && lists(snapshot, &practice.provider, service);
    let services = snapshot.services.iter().take(64).enumerate();
    services.fold(0, |listed, (place, service)| listed | u64::from(has(service)) << place)
}

/// Whether this practice of ours gives the service at any moment: what is in grace for a while is not for here.
fn lists(snapshot: &Snapshot, provider: &ProviderName, service: &Service) -> bool {
    match service.audience {
        Audience::Everyone => {
            let listed = snapshot.lists.zal.provider(provider.as_str());
            listed.is_some_and(|listed| snapshot.entries(listed).any(|entry| *entry.id() == service.id))
        }
        Audience::PortalOnly => true,
    }
}
