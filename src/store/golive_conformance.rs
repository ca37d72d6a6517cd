//! What each store must do with stages and places, written against the port.

use std::sync::Arc;

use super::conformance::{after, now};
use crate::medmij::LocalId;
use crate::practices::golive::places::{Change, Count, GoLiveStore, Seated};
use crate::practices::golive::{Entrance, Mark, Stage};

fn entrance(text: &str) -> Entrance {
    Entrance::parse(text).unwrap()
}

fn change(text: &str, number: u32, stage: Option<Stage>) -> Change {
    Change {
        id: LocalId::new(after(u64::from(number))),
        entrance: entrance(text),
        number,
        stage,
        reason: "proef met acht praktijken".to_owned(),
        by: "beheer.example.nl".to_owned(),
        at: after(u64::from(number)),
    }
}

pub(super) async fn the_newest_change_of_each_entrance_is_in_force(store: &dyn GoLiveStore) {
    assert!(store.newest().await.unwrap().is_empty());
    let (practice, service) = ("huisarts.waterkant@medmij", "huisarts.waterkant@medmij~49");
    let changes = [
        change(practice, 1, Some(Stage::FieldTest)),
        change(service, 1, Some(Stage::Open)),
        change(practice, 2, Some(Stage::Paused)),
        change(service, 2, None),
    ];
    for change in &changes {
        assert!(store.change(change.clone()).await.unwrap());
    }
    for number in [1, 2, 4] {
        let late = change(practice, number, Some(Stage::Open));
        assert!(!store.change(late).await.unwrap(), "{number} is not the next");
    }
    assert_eq!(store.newest().await.unwrap(), [changes[2].clone(), changes[3].clone()], "all of each comes back");
    assert_eq!(store.changes(&entrance(practice)).await.unwrap(), [changes[2].clone(), changes[0].clone()]);
}

pub(super) async fn of_twenty_editors_who_saw_the_same_one_is_first(store: Arc<dyn GoLiveStore>) {
    let tries = (0..20).map(|_| {
        let store = Arc::clone(&store);
        let change = change("huisarts.waterkant@medmij", 1, Some(Stage::Open));
        tokio::spawn(async move { store.change(change).await.unwrap() })
    });
    let mut first = 0;
    for tried in tries.collect::<Vec<_>>() {
        first += u32::from(tried.await.unwrap());
    }
    assert_eq!(first, 1);
}

pub(super) async fn a_place_is_taken_once_and_given_back(store: &dyn GoLiveStore) {
    let (door, other) = (entrance("huisarts.waterkant@medmij"), entrance("huisarts.waterkant@medmij~49"));
    let mark = |byte| vec![Mark::new([byte; 32])];
    assert_eq!(store.count().await.unwrap(), Count::default());
    for (byte, expected) in [(1, Seated::Now), (2, Seated::Now), (3, Seated::Full), (1, Seated::Before)] {
        assert_eq!(store.seat(&door, mark(byte), Some(2), after(u64::from(byte))).await.unwrap(), expected);
    }
    assert_eq!(store.count().await.unwrap(), Count { taken: 2, newest_us: after(2).as_microsecond() });
    assert_eq!(store.seat(&other, mark(3), Some(1), now()).await.unwrap(), Seated::Now, "another entrance");
    let replaced = [mark(9), mark(1)].concat();
    assert_eq!(store.seat(&door, replaced.clone(), Some(5), now()).await.unwrap(), Seated::Before, "an older key");
    assert!(store.unseat(&door, replaced).await.unwrap() && !store.unseat(&door, mark(1)).await.unwrap());
    assert_eq!(store.seat(&door, mark(4), Some(2), now()).await.unwrap(), Seated::Now, "a place is free again");
    assert_eq!(store.seat(&door, mark(5), None, now()).await.unwrap(), Seated::Now, "no number, no end");
    let marks: Vec<_> =
        store.seated().await.unwrap().into_iter().map(|(door, mark)| (door, mark.as_bytes()[0])).collect();
    assert_eq!(marks, [(door.clone(), 2), (door.clone(), 4), (door, 5), (other, 3)]);
}

pub(super) async fn of_forty_people_at_once_as_many_get_in_as_there_are_places(store: Arc<dyn GoLiveStore>) {
    let tries = (0..40).map(|byte| {
        let store = Arc::clone(&store);
        let door = entrance("huisarts.waterkant@medmij");
        tokio::spawn(async move { store.seat(&door, vec![Mark::new([byte; 32])], Some(7), now()).await })
    });
    let mut seated = 0;
    for tried in tries.collect::<Vec<_>>() {
        // One that met too many others is told to come again, and has no place.
        seated += u64::from(matches!(tried.await.unwrap(), Ok(Seated::Now)));
    }
    assert_eq!((seated, store.count().await.unwrap().taken), (7, 7));
}
