//! What each store must do with stops, written against the port.

use std::sync::Arc;

use super::Store;
use super::conformance::{after, now};
use crate::medmij::LocalId;
use crate::operations::switch::{Reason, Stop, StopStore};
use crate::routing::Target;

fn stop(target: &str, seconds: u64) -> Stop {
    Stop {
        id: LocalId::new(after(seconds)),
        target: Target::parse(target).unwrap(),
        reason: Reason::parse("verkeerde uitslagen, melding 12").unwrap(),
        by: "beheer.example.nl".to_owned(),
        at: after(seconds),
    }
}

async fn in_force(store: &dyn StopStore) -> Vec<String> {
    store.in_force().await.unwrap().iter().map(|stop| stop.target.to_string()).collect()
}

pub(super) async fn a_target_is_stopped_once_and_goes_on_once(store: &dyn StopStore) {
    assert!(in_force(store).await.is_empty());
    let (first, other) = (stop("practice:huisarts.waterkant@medmij", 0), stop("everything", 1));
    assert!(store.stop(first.clone()).await.unwrap());
    assert!(store.stop(other.clone()).await.unwrap());
    assert!(!store.stop(stop("everything", 2)).await.unwrap(), "it is stopped already");
    assert_eq!(store.in_force().await.unwrap(), [first.clone(), other.clone()], "all of each comes back");

    let target = Target::Everything;
    assert!(store.lift(&target, "beheer2.example.nl", after(3)).await.unwrap());
    assert!(!store.lift(&target, "beheer2.example.nl", after(4)).await.unwrap(), "it goes on already");
    assert_eq!(in_force(store).await, ["practice:huisarts.waterkant@medmij"]);
    assert!(store.stop(stop("everything", 5)).await.unwrap(), "it can be stopped again");

    let past = store.past().await.unwrap();
    let told: Vec<_> = past.iter().map(|past| (past.stop.at, past.lifted.clone())).collect();
    let lifted = Some(("beheer2.example.nl".to_owned(), after(3)));
    assert_eq!(told, [(after(5), None), (after(1), lifted), (now(), None)], "newest first");
    assert_eq!((&past[1].stop, &past[2].stop), (&other, &first));
}

pub(super) async fn of_twenty_who_stop_the_same_one_is_first(store: Arc<dyn StopStore>) {
    let tries = (0..20).map(|second| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.stop(stop("his:his-a", second)).await.unwrap() })
    });
    let mut first = 0;
    for tried in tries.collect::<Vec<_>>() {
        first += u32::from(tried.await.unwrap());
    }
    assert_eq!((first, in_force(&*store).await), (1, vec!["his:his-a".to_owned()]));
}

/// The test is that of a whole store, as nothing but its sweep takes a stop away.
pub(super) async fn a_lifted_stop_goes_after_a_year_and_one_in_force_never(store: &dyn Store) {
    const YEAR: u64 = 365 * 24 * 60 * 60;
    assert!(store.stop(stop("his:his-a", 0)).await.unwrap());
    assert!(store.stop(stop("his:his-b", 1)).await.unwrap());
    assert!(store.lift(&Target::His("his-b".to_owned()), "beheer.example.nl", after(2)).await.unwrap());
    assert_eq!(store.sweep(after(YEAR + 2)).await.unwrap().stops, 0);
    assert_eq!(store.sweep(after(YEAR + 3)).await.unwrap().stops, 1);
    let left: Vec<_> = store.past().await.unwrap().iter().map(|past| past.stop.target.to_string()).collect();
    assert_eq!(left, ["his:his-a"]);
    assert_eq!(store.sweep(after(10 * YEAR)).await.unwrap().stops, 0);
}
