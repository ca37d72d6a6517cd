//! A region that takes part, and what the tests ask of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::medmij::ProviderName;
use crate::oauth::store::StoreFuture;
use crate::practices::programme::*;

pub(super) fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

pub(super) fn text(words: &str) -> Text {
    Text::parse(words).unwrap()
}

pub(super) fn day(written: &str) -> Day {
    Day::parse(written).unwrap()
}

pub(super) fn provider(name: &str) -> ProviderName {
    ProviderName::parse(&format!("{name}@medmij")).unwrap()
}

pub(super) fn proof(on: &str) -> Option<Proof> {
    Some(Proof { on: day(on), evidence: text("dossier 12") })
}

pub(super) fn practice(name: &str, agb: u32, patients: u32) -> Practice {
    Practice {
        provider: provider(name),
        agb: Agb::parse(&format!("{agb:08}")).unwrap(),
        name: text("Huisartsenpraktijk Waterkant"),
        place: text("Zomerwind"),
        patients,
        patients_16: patients / 2,
        system: System { supplier: id("his-a"), installation: id("his-a-1"), version: text("12.4") },
        access_start: Some(day("2020-07-01")),
        memberships: vec![Membership { coalition: id("waterland"), from: day("2020-01-01"), until: None }],
        staff: Staff {
            gp: Function { employed: 2, trained: 1 },
            assistant: Function { employed: 3, trained: 1 },
            ..Staff::default()
        },
        informed: proof("2020-06-01"),
        conforms: proof("2020-05-01"),
    }
}

pub(super) fn coalition(name: &str) -> Coalition {
    Coalition {
        id: id(name),
        name: text("Regio Waterland"),
        lead: id("zorggroep"),
        organisations: BTreeSet::from([id("zorggroep"), id("kring")]),
        exception: None,
        tasks: proof("2020-02-01"),
        agreement: proof("2020-03-01"),
        registered: proof("2020-03-15"),
        subsidy: None,
        activities: None,
        finished: None,
    }
}

/// A coalition of two practices that has what it needs, and no more.
pub(super) fn region() -> Draft {
    let mut draft = Draft::default();
    draft.put(Entry::Supplier(Supplier { id: id("his-a"), name: text("HIS A") }));
    for (name, kind) in [("zorggroep", OrganisationKind::CareGroup), ("kring", OrganisationKind::LhvCircle)] {
        draft.put(Entry::Organisation(Organisation { id: id(name), name: text(name), kind }));
    }
    draft.put(Entry::Practice(Box::new(practice("waterkant", 1, 60_000))));
    draft.put(Entry::Practice(Box::new(practice("dijkzicht", 2, 40_000))));
    draft.put(Entry::Coalition(Box::new(coalition("waterland"))));
    draft
}

/// Every version in memory; the first so many changes find that somebody else was first.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) rows: Mutex<Vec<Row>>,
    pub(super) losses: AtomicUsize,
}

impl RegisterStore for Memory {
    fn since(&self, revision: u64) -> StoreFuture<'_, Vec<Row>> {
        let mut newest = BTreeMap::new();
        for row in self.rows.lock().unwrap().iter() {
            newest.insert((row.kind, row.id.clone()), row.clone());
        }
        let rows = newest.into_values().filter(|row| row.revision > revision).collect();
        Box::pin(std::future::ready(Ok(rows)))
    }

    fn versions<'a>(&'a self, kind: EntryKind, id: &str, most: u16) -> StoreFuture<'a, Vec<Row>> {
        let rows = self.rows.lock().unwrap();
        let of = rows.iter().rev().filter(|row| row.kind == kind && row.id == id).take(most.into()).cloned().collect();
        Box::pin(std::future::ready(Ok(of)))
    }

    fn keep(&self, rows: Vec<Row>) -> StoreFuture<'_, bool> {
        let mut kept = self.rows.lock().unwrap();
        let revision = kept.last().map_or(0, |row| row.revision);
        let lost = self.losses.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        let first = !lost && rows.iter().all(|row| row.revision == revision + 1);
        if first {
            kept.extend(rows);
        }
        Box::pin(std::future::ready(Ok(first)))
    }
}
