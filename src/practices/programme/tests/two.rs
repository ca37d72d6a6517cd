//! Versions, and two editors at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::scene::*;
use crate::practices::programme::*;

fn at() -> jiff::Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

async fn registry() -> (Arc<Memory>, Registry) {
    let store = Arc::new(Memory::default());
    let registry = Registry::new(Arc::clone(&store) as _);
    let all: Vec<_> = region().entries().map(|entry| Change::put(0, entry)).collect();
    let judged = registry.change(&all, "wacht.example.nl", at()).await.unwrap();
    assert_eq!((judged.revision, judged.done.len()), (1, 6));
    (store, registry)
}

fn smaller(name: &str, agb: u32, patients: u32) -> Change {
    Change::put(1, Entry::Practice(Box::new(practice(name, agb, patients))))
}

#[tokio::test]
async fn who_edits_an_old_version_is_told_what_changed() {
    let (_, registry) = registry().await;
    let first = Practice { place: text("Veenendam"), ..practice("waterkant", 1, 60_001) };
    registry.change(&[Change::put(1, Entry::Practice(Box::new(first)))], "een.example.nl", at()).await.unwrap();
    let second = registry.change(&[smaller("waterkant", 1, 60_002)], "twee.example.nl", at()).await.unwrap_err();
    let RegisterError::Stale(stale) = second else { panic!("{second:?}") };
    assert_eq!((stale.made_from, stale.version, stale.newest.unwrap().by.as_str()), (1, 2, "een.example.nl"));
    let fields: Vec<_> =
        stale.differences.iter().map(|one| (one.field.as_str(), one.was.as_str(), one.is.as_str())).collect();
    assert_eq!(fields, [("patients", "60000", "60001"), ("place", "\"Zomerwind\"", "\"Veenendam\"")]);
    let again = Change::put(0, Entry::Practice(Box::new(practice("waterkant", 1, 1))));
    assert!(matches!(registry.change(&[again], "x", at()).await, Err(RegisterError::Stale(_))), "it is there already");
}

/// Each alone leaves 100,000 patients; both would not. Neither touches what the other does.
#[tokio::test]
async fn two_who_change_different_entries_cannot_break_a_rule_together() {
    let (store, registry) = registry().await;
    let more = [smaller("waterkant", 1, 60_500), Change::put(0, Entry::Practice(Box::new(practice("nieuw", 3, 500))))];
    registry.change(&more, "wacht.example.nl", at()).await.unwrap();
    let other = Registry::new(Arc::clone(&store) as _);
    let first = Change::put(2, Entry::Practice(Box::new(practice("waterkant", 1, 59_500))));
    let second = Change::put(1, Entry::Practice(Box::new(practice("nieuw", 3, 0))));
    // Both are in order against what both know.
    registry.try_out(std::slice::from_ref(&first)).await.unwrap();
    other.try_out(std::slice::from_ref(&second)).await.unwrap();
    registry.change(&[first], "een.example.nl", at()).await.unwrap();
    let refused = other.change(&[second], "twee.example.nl", at()).await.unwrap_err();
    let RegisterError::Breaches(breaches) = refused else { panic!("{refused:?}") };
    assert_eq!(breaches.iter().map(Breach::code).collect::<Vec<_>>(), ["too-few-patients"]);
}

#[tokio::test]
async fn a_change_is_judged_again_when_another_came_first_but_not_for_ever() {
    let (store, registry) = registry().await;
    store.losses.store(3, Ordering::Relaxed);
    registry.change(&[smaller("waterkant", 1, 70_000)], "x", at()).await.unwrap();
    store.losses.store(1_000, Ordering::Relaxed);
    let change = Change::put(2, Entry::Practice(Box::new(practice("waterkant", 1, 70_001))));
    assert_eq!(registry.change(&[change], "x", at()).await, Err(RegisterError::Busy));
}

#[tokio::test]
async fn nothing_of_a_refused_change_stays_and_what_is_the_same_makes_no_version() {
    let (store, registry) = registry().await;
    let before = store.rows.lock().unwrap().len();
    let half = [smaller("waterkant", 1, 70_000), smaller("dijkzicht", 1, 40_000)];
    assert!(matches!(registry.change(&half, "x", at()).await, Err(RegisterError::Breaches(_))));
    let same = registry.change(&[smaller("waterkant", 1, 60_000)], "x", at()).await.unwrap();
    assert_eq!(same, Judged { done: vec![Done::Same], revision: 1 });
    let twice = [smaller("waterkant", 1, 70_000), smaller("waterkant", 1, 70_001)];
    assert!(matches!(registry.change(&twice, "x", at()).await, Err(RegisterError::Twice(_))));
    assert_eq!(store.rows.lock().unwrap().len(), before);
}

#[tokio::test]
async fn what_is_taken_out_can_come_back_and_its_versions_go_on() {
    let (store, registry) = registry().await;
    registry.change(&[smaller("waterkant", 1, 100_000)], "x", at()).await.unwrap();
    let key = Key::Practice(provider("dijkzicht"));
    let out = Change { key: key.clone(), made_from: 1, entry: None };
    assert_eq!(registry.change(std::slice::from_ref(&out), "x", at()).await.unwrap().done, [Done::Removed]);
    let again = Change { made_from: 0, ..out };
    assert_eq!(registry.change(&[again], "x", at()).await, Err(RegisterError::Absent(key.clone())));
    let back = Change::put(0, Entry::Practice(Box::new(practice("dijkzicht", 2, 1))));
    assert_eq!(registry.change(&[back], "x", at()).await.unwrap().done, [Done::Added]);
    let fresh = Registry::new(store);
    assert_eq!(fresh.read().await.unwrap().number(&key), 3, "a node that starts reads the same");
    assert_eq!(fresh.read().await.unwrap().entries(), registry.read().await.unwrap().entries());
    assert_eq!(fresh.versions(&key).await.unwrap().iter().map(|row| row.version).collect::<Vec<_>>(), [3, 2, 1]);
}
