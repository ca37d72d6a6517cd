//! Everything a decision reads: immutable, swapped whole. Requests in flight keep the one they began with.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::{Interfaces, Standing, Stops};
use crate::clients::ClientRegister;
use crate::his::Adapters;
use crate::lists::{ListKind, Lists, PerList};
use crate::practices::PracticeRegister;
use crate::practices::golive::{People, Stages};
use crate::services::Catalogue;

/// One consistent view of the world.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The lists in force.
    pub lists: Arc<Lists>,
    /// Our practices.
    pub practices: Arc<PracticeRegister>,
    /// The services.
    pub services: Arc<Catalogue>,
    /// In which interface versions they are served.
    pub interfaces: Interfaces,
    /// The registered clients.
    pub clients: Arc<ClientRegister>,
    /// How the HIS installations of the practices are asked.
    pub adapters: Arc<Adapters>,
    /// Until when the lists may be used.
    pub freshness: Arc<Freshness>,
    /// What follows from the others, ready to be asked; it is believed only beside the very values that it was made of.
    pub standing: Standing,
    /// What operators have stopped.
    pub stops: Arc<Stops>,
    /// How far operators have brought practices.
    pub stages: Arc<Stages>,
    /// Who takes part in field tests and pilots.
    pub people: Arc<People>,
}

impl Snapshot {
    /// With what follows from its parts made ready. Takes some 300 ns a practice.
    #[must_use]
    pub fn indexed(mut self) -> Self {
        self.standing = Standing::of(&self);
        self
    }
}

/// What the configuration says of the world.
#[derive(Debug, Clone)]
pub struct Registered {
    /// Our practices.
    pub practices: Arc<PracticeRegister>,
    /// The services.
    pub services: Arc<Catalogue>,
    /// In which interface versions they are served.
    pub interfaces: Interfaces,
    /// The registered clients.
    pub clients: Arc<ClientRegister>,
    /// How the HIS installations of the practices are asked.
    pub adapters: Arc<Adapters>,
}

impl Registered {
    /// Beside these lists.
    #[must_use]
    pub fn beside(self, lists: Arc<Lists>, freshness: Arc<Freshness>) -> Snapshot {
        self.joined(lists, freshness).indexed()
    }

    /// The same, with nothing made ready yet.
    fn joined(self, lists: Arc<Lists>, freshness: Arc<Freshness>) -> Snapshot {
        let Self { practices, services, interfaces, clients, adapters } = self;
        let (standing, stops, stages, people) = (Standing::default(), Arc::default(), Arc::default(), Arc::default());
        Snapshot {
            lists,
            practices,
            services,
            interfaces,
            clients,
            adapters,
            freshness,
            standing,
            stops,
            stages,
            people,
        }
    }
}

/// Until when lists may be used, after their publisher last gave them. A set that is fetched again unchanged is not swapped but
/// counts as given again, so this lives beside the snapshots and is shared by them.
#[derive(Debug)]
pub struct Freshness {
    until_us: PerList<AtomicI64>,
    maximum_age: PerList<Duration>,
}

impl Freshness {
    /// Of lists that nobody has given yet, with one maximum age for all.
    #[must_use]
    pub fn new(maximum_age: Duration) -> Self {
        Self::per_list(PerList::from_fn(|_| maximum_age))
    }

    /// Of lists that nobody has given yet.
    #[must_use]
    pub fn per_list(maximum_age: PerList<Duration>) -> Self {
        Self { until_us: PerList::from_fn(|_| AtomicI64::new(i64::MIN)), maximum_age }
    }

    /// The publisher gave all of them at this moment.
    pub fn note(&self, given_at: Timestamp) {
        self.note_each(&PerList::from_fn(|_| given_at));
    }

    /// The publisher gave each at its moment.
    pub fn note_each(&self, given_at: &PerList<Timestamp>) {
        for list in ListKind::ALL {
            let until = given_at.of(list).saturating_add(*self.maximum_age.of(list)).unwrap_or(Timestamp::MAX);
            self.until_us.of(list).store(until.as_microsecond(), Ordering::Release);
        }
    }

    /// Whether all may be used at this moment. One that may not ends the use of all: without it nobody can be told from
    /// anybody.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        ListKind::ALL.into_iter().all(|list| self.holds_for(list, now))
    }

    /// The first list that may no longer be used at this moment.
    #[must_use]
    pub fn too_old(&self, now: Timestamp) -> Option<ListKind> {
        ListKind::ALL.into_iter().find(|list| !self.holds_for(*list, now))
    }

    /// The last moment at which a list may be used; [`Timestamp::MIN`] when it was never given.
    #[must_use]
    pub fn until(&self, list: ListKind) -> Timestamp {
        let until_us = self.until_us.of(list).load(Ordering::Acquire);
        Timestamp::from_microsecond(until_us).unwrap_or(Timestamp::MIN)
    }

    fn holds_for(&self, list: ListKind, now: Timestamp) -> bool {
        now.as_microsecond() <= self.until_us.of(list).load(Ordering::Acquire)
    }
}

/// The snapshot in force.
pub type SharedSnapshot = Arc<ArcSwap<Snapshot>>;

/// Puts a set of lists into force, whole: who loaded the snapshot before keeps the old set, who loads it after has the new one.
/// The old snapshot is given back: who lets go of it last takes 20,000 providers apart.
pub fn put_lists(snapshot: &SharedSnapshot, lists: &Arc<Lists>) -> Arc<Snapshot> {
    snapshot.rcu(|held| Snapshot { lists: Arc::clone(lists), ..Snapshot::clone(held) }.indexed())
}

/// The same for what the configuration says: the lists in force stay, and so does what operators set.
pub fn put_registered(snapshot: &SharedSnapshot, registered: &Registered) -> Arc<Snapshot> {
    snapshot.rcu(|held| {
        let joined = registered.clone().joined(Arc::clone(&held.lists), Arc::clone(&held.freshness));
        let (stops, people) = (Arc::clone(&held.stops), Arc::clone(&held.people));
        Snapshot { stops, stages: Arc::clone(&held.stages), people, ..joined }.indexed()
    })
}

/// The same for the stages that operators set.
pub fn put_stages(snapshot: &SharedSnapshot, stages: &Arc<Stages>) {
    snapshot.rcu(|held| Snapshot { stages: Arc::clone(stages), ..Snapshot::clone(held) }.indexed());
}

/// The same for who takes part; everything else stays the very same.
pub fn put_people(snapshot: &SharedSnapshot, people: &Arc<People>) {
    snapshot.rcu(|held| Snapshot { people: Arc::clone(people), ..Snapshot::clone(held) });
}

/// Puts what operators have stopped into force; everything else stays the very same.
pub fn put_stops(snapshot: &SharedSnapshot, stops: &Arc<Stops>) {
    snapshot.rcu(|held| Snapshot { stops: Arc::clone(stops), ..Snapshot::clone(held) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_hold_until_their_maximum_age() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let freshness = Freshness::new(Duration::from_secs(60));
        assert!(!freshness.holds(at(0)), "never given");
        freshness.note(at(1_000));
        assert!(freshness.holds(at(1_000)) && freshness.holds(at(1_060)));
        assert!(freshness.holds(at(990)), "a clock that was set back makes them no older");
        assert!(!freshness.holds(at(1_061)));
    }

    #[test]
    fn one_list_that_is_too_old_ends_the_use_of_all() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let hours = |list| if list == ListKind::Gnl { 7 * 24 } else { 24 };
        let freshness = Freshness::per_list(PerList::from_fn(|list| Duration::from_hours(hours(list))));
        let given = |second| PerList { zal: at(0), ocl: at(0), whl: at(second), gnl: at(0) };
        freshness.note_each(&given(0));
        assert!(freshness.holds(at(86_400)));
        assert_eq!((freshness.holds(at(86_401)), freshness.too_old(at(86_401))), (false, Some(ListKind::Zal)));
        freshness.note_each(&PerList { gnl: at(0), ..PerList::from_fn(|_| at(600_000)) });
        assert_eq!((freshness.too_old(at(604_800)), freshness.too_old(at(604_801))), (None, Some(ListKind::Gnl)));
        freshness.note_each(&given(604_801));
        assert_eq!(freshness.too_old(at(604_801)), Some(ListKind::Zal), "a younger list does not help the others");
    }
}
