//! What each store must do with the register of the OPEN programme, written against the port.

use std::sync::Arc;

use super::conformance::{after, now};
use crate::practices::programme::{
    Change, Entry, EntryKind, Id, Key, Organisation, OrganisationKind, RegisterError, RegisterStore, Registry, Row,
    Text,
};

fn row(id: &str, version: u32, revision: u64, document: Option<&str>) -> Row {
    Row {
        kind: EntryKind::Organisation,
        id: id.to_owned(),
        version,
        document: document.map(str::to_owned),
        by: "wacht.example.nl".to_owned(),
        at: after(revision),
        revision,
    }
}

pub(super) async fn a_change_is_kept_whole_and_once(store: &dyn RegisterStore) {
    assert!(store.since(0).await.unwrap().is_empty());
    let first = [row("kring", 1, 1, Some("{}")), row("groep", 1, 1, Some("{}"))];
    assert!(store.keep(first.to_vec()).await.unwrap());
    assert!(!store.keep(vec![row("later", 1, 1, Some("{}"))]).await.unwrap(), "somebody was first");
    assert!(!store.keep(vec![row("later", 1, 3, Some("{}"))]).await.unwrap(), "nothing is left out");
    let gone = row("kring", 2, 2, None);
    assert!(store.keep(vec![gone.clone()]).await.unwrap());
    let all = store.since(0).await.unwrap();
    assert_eq!(all, [first[1].clone(), gone.clone()], "the newest of each, all of it");
    assert_eq!(store.since(1).await.unwrap(), std::slice::from_ref(&gone));
    assert!(store.since(2).await.unwrap().is_empty());
    let versions = store.versions(EntryKind::Organisation, "kring", 10).await.unwrap();
    assert_eq!(versions, [gone.clone(), first[0].clone()]);
    assert_eq!(store.versions(EntryKind::Organisation, "kring", 1).await.unwrap(), [gone]);
    assert!(store.versions(EntryKind::Practice, "kring", 10).await.unwrap().is_empty());
}

pub(super) async fn half_a_change_is_no_change(store: &dyn RegisterStore) {
    assert!(store.keep(vec![row("kring", 1, 1, Some("{}"))]).await.unwrap());
    // The second is there already, so that the table refuses it.
    let half = vec![row("groep", 1, 2, Some("{}")), row("kring", 1, 2, Some("{}"))];
    store.keep(half).await.unwrap_err();
    assert_eq!(store.since(0).await.unwrap().len(), 1);
    assert!(store.keep(vec![row("groep", 1, 2, Some("{}"))]).await.unwrap(), "the revision did not move either");
}

pub(super) async fn of_twenty_changes_from_one_revision_one_is_kept(store: Arc<dyn RegisterStore>) {
    let tries = (0..20).map(|at| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.keep(vec![row(&format!("o{at}"), 1, 1, Some("{}"))]).await.unwrap() })
    });
    let mut kept = 0;
    for tried in tries.collect::<Vec<_>>() {
        kept += u32::from(tried.await.unwrap());
    }
    assert_eq!((kept, store.since(0).await.unwrap().len()), (1, 1));
}

fn organisation(id: &str, name: &str) -> Entry {
    let (id, name) = (Id::parse(id).unwrap(), Text::parse(name).unwrap());
    Entry::Organisation(Organisation { id, name, kind: OrganisationKind::CareGroup })
}

/// Editors at nodes of their own: of those of one entry one wins and the others are told what it did; those of different entries
/// all get through, one after the other.
pub(super) async fn editors_at_once_lose_nothing(store: Arc<dyn RegisterStore>) {
    let editors = |entry: fn(usize) -> Entry, made_from: u32| {
        let tries = (0..6).map(|at| {
            let (registry, change) = (Registry::new(Arc::clone(&store)), Change::put(made_from, entry(at)));
            tokio::spawn(async move { registry.change(&[change], "wacht.example.nl", now()).await })
        });
        tries.collect::<Vec<_>>()
    };
    for done in editors(|at| organisation(&format!("groep-{at}"), "Zorggroep"), 0) {
        done.await.unwrap().unwrap();
    }
    let mut done = 0;
    for tried in editors(|at| organisation("groep-0", &format!("Zorggroep {at}")), 1) {
        match tried.await.unwrap() {
            Ok(_) => done += 1,
            Err(RegisterError::Stale(stale)) => {
                assert_eq!((stale.version, stale.differences[0].field.as_str()), (2, "name"));
            }
            Err(other) => panic!("{other}"),
        }
    }
    let registry = Registry::new(store);
    let register = registry.read().await.unwrap();
    let key = Key::Organisation(Id::parse("groep-0").unwrap());
    assert_eq!((done, register.revision(), register.number(&key), register.entries().len()), (1, 7, 2, 6));
}
