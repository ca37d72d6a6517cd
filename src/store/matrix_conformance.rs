//! What each store must do with the matrix of combinations, written against the port.

use std::sync::Arc;

use super::conformance::{after, now};
use crate::medmij::LocalId;
use crate::report::matrix::memory::MemoryMatrix;
use crate::report::matrix::month::MonthNumber;
use crate::report::matrix::store::{
    Change, CountedTo, Held, Kept, LogPosition, MatrixStore, MonthRow, StandingRow, VisitRow, Wanted,
};

fn visit(number: u128) -> LocalId {
    LocalId::parse(&uuid::Uuid::from_u128(number).to_string()).unwrap()
}

fn visit_row(number: u128, due: u64, body: &[u8]) -> VisitRow {
    VisitRow { visit: visit(number), kept: Some((after(due), body.to_vec())) }
}

fn month(combination: &str, month: i32, body: &[u8]) -> MonthRow {
    MonthRow { combination: combination.to_owned(), month: MonthNumber(month), body: body.to_vec() }
}

fn standing(combination: &str, alarmed: bool, touched: u64) -> StandingRow {
    StandingRow { combination: combination.to_owned(), alarmed, touched: after(touched), body: vec![7] }
}

fn position(next: u64) -> Option<(Arc<str>, LogPosition)> {
    Some(("log-a".into(), LogPosition { next, time: after(next) }))
}

fn first() -> Change {
    Change {
        generation: 0,
        log: position(12),
        visits: vec![visit_row(1, 10, b"one"), visit_row(2, 20, b"two"), visit_row(3, 5, b"three")],
        months: vec![month("a\tb", 24_315, b"x"), month("a\tb", 24_316, b"y"), month("c\td", 24_316, b"z")],
        standings: vec![standing("a\tb", false, 3), standing("c\td", true, 9)],
    }
}

pub(super) async fn what_is_kept_is_held(store: &dyn MatrixStore) {
    assert_eq!(store.counted().await.unwrap(), CountedTo::default());
    assert_eq!(store.held(Wanted::default()).await.unwrap(), Held::default());
    assert_eq!(store.keep(first()).await.unwrap(), Kept::Done);
    let counted = store.counted().await.unwrap();
    assert_eq!((counted.generation, counted.combinations), (1, 2));
    assert_eq!(counted.logs.into_iter().collect::<Vec<_>>(), [position(12).unwrap()]);

    let due = Wanted { visits: vec![visit(2), visit(9)], due: Some((after(10), 1)), ..Wanted::default() };
    let mut visits = store.held(due.clone()).await.unwrap().visits;
    visits.sort_by_key(|(id, _)| id.to_string());
    assert_eq!(visits, [(visit(2), b"two".to_vec()), (visit(3), b"three".to_vec())], "the longest due first");
    let both = Wanted { visits: vec![visit(3)], due: Some((after(10), 9)), ..Wanted::default() };
    assert_eq!(store.held(both).await.unwrap().visits.len(), 2, "none stands twice");

    let months = vec![("a\tb".to_owned(), MonthNumber(24_316)), ("gone".to_owned(), MonthNumber(24_316))];
    let wanted = Wanted { months, standings: vec!["a\tb".to_owned()], alarmed: true, ..Wanted::default() };
    let mut held = store.held(wanted).await.unwrap();
    held.standings.sort_by(|a, b| a.combination.cmp(&b.combination));
    assert_eq!(held.months, [month("a\tb", 24_316, b"y")]);
    assert_eq!(held.standings, [standing("a\tb", false, 3), standing("c\td", true, 9)]);

    let second = Change {
        generation: 1,
        log: position(20),
        visits: vec![VisitRow { visit: visit(1), kept: None }, visit_row(2, 30, b"TWO")],
        months: vec![month("a\tb", 24_316, b"Y")],
        standings: vec![standing("c\td", false, 30)],
    };
    assert_eq!(store.keep(second).await.unwrap(), Kept::Done);
    assert_eq!(store.counted().await.unwrap().logs[&Arc::<str>::from("log-a")].next, 20);
    let held =
        store.held(Wanted { visits: vec![visit(1), visit(2)], alarmed: true, ..Wanted::default() }).await.unwrap();
    assert_eq!((held.visits, held.standings), (vec![(visit(2), b"TWO".to_vec())], vec![]));
    let mut found = store.months(MonthNumber(24_316), MonthNumber(24_316)).await.unwrap();
    found.sort_by(|a, b| a.combination.cmp(&b.combination));
    assert_eq!(found, [month("a\tb", 24_316, b"Y"), month("c\td", 24_316, b"z")]);
    assert_eq!(store.months(MonthNumber(0), MonthNumber(30_000)).await.unwrap().len(), 3);
    assert_eq!(store.standings().await.unwrap().len(), 2);
}

pub(super) async fn a_change_from_an_old_generation_is_none(store: &dyn MatrixStore) {
    assert_eq!(store.keep(first()).await.unwrap(), Kept::Done);
    for generation in [0, 2] {
        let stale = Change {
            generation,
            log: position(99),
            visits: vec![VisitRow { visit: visit(1), kept: None }, visit_row(8, 1, b"new")],
            months: vec![month("a\tb", 24_316, b"wrong")],
            standings: vec![standing("new", true, 1)],
        };
        assert_eq!(store.keep(stale).await.unwrap(), Kept::Raced);
    }
    let counted = store.counted().await.unwrap();
    assert_eq!((counted.generation, counted.combinations, counted.logs[&Arc::<str>::from("log-a")].next), (1, 2, 12));
    let held = store.held(Wanted { visits: vec![visit(1), visit(8)], ..Wanted::default() }).await.unwrap();
    assert_eq!(held.visits, [(visit(1), b"one".to_vec())]);
    let wrong = store.months(MonthNumber(24_316), MonthNumber(24_316)).await.unwrap();
    assert!(wrong.iter().all(|row| row.body != b"wrong"));
    let tick = Change { generation: 1, ..Change::default() };
    assert_eq!(store.keep(tick).await.unwrap(), Kept::Done, "without a log too");
    assert_eq!(store.counted().await.unwrap().generation, 2);
}

pub(super) async fn what_is_old_goes(store: &dyn MatrixStore) {
    assert_eq!(store.keep(first()).await.unwrap(), Kept::Done);
    assert_eq!(store.prune(MonthNumber(24_315), now()).await.unwrap(), 0);
    assert_eq!(store.prune(MonthNumber(24_316), after(4)).await.unwrap(), 2);
    assert_eq!(store.standings().await.unwrap(), [standing("c\td", true, 9)]);
    assert_eq!(store.months(MonthNumber(0), MonthNumber(30_000)).await.unwrap().len(), 2);
}

pub(super) async fn of_twenty_who_count_the_same_one_is_first(store: Arc<dyn MatrixStore>) {
    let tries = (0..20).map(|number: u8| {
        let store = Arc::clone(&store);
        let change = Change { months: vec![month("a\tb", 24_315, &[number])], ..first() };
        tokio::spawn(async move { store.keep(change).await.unwrap() == Kept::Done })
    });
    let mut kept = Vec::new();
    for (number, tried) in (0_u8..).zip(tries.collect::<Vec<_>>()) {
        if tried.await.unwrap() {
            kept.push(vec![number]);
        }
    }
    let found = store.months(MonthNumber(24_315), MonthNumber(24_315)).await.unwrap();
    assert_eq!(found.into_iter().map(|row| row.body).collect::<Vec<_>>(), kept);
    assert_eq!((kept.len(), store.counted().await.unwrap().generation), (1, 1));
}

#[tokio::test]
async fn memory_keeps_a_matrix() {
    what_is_kept_is_held(&MemoryMatrix::default()).await;
    a_change_from_an_old_generation_is_none(&MemoryMatrix::default()).await;
    what_is_old_goes(&MemoryMatrix::default()).await;
    of_twenty_who_count_the_same_one_is_first(Arc::new(MemoryMatrix::default())).await;
}
