//! What each store must do with what is counted, written against the port.

use std::sync::Arc;

use super::conformance::{after, now};
use crate::audit::Added;
use crate::medmij::ProviderName;
use crate::report::cell::Cell;
use crate::report::people::{Days, Mark, View};
use crate::report::store::{
    CellRow, ClosedRow, Closing, Listing, MarkRow, NamedByZal, PAGE_ROWS, Place, Rows, Table, UsageDelta, UsageState,
};
use crate::report::{FigureStore, Month, USAGE};

const LOG: &str = "inzage-a-00000000000000ff";

fn month(text: i64) -> Month {
    Month::of_number(text).unwrap()
}

fn provider(name: &str) -> ProviderName {
    ProviderName::parse(name).unwrap()
}

fn cell(month_number: i64, text: &str, amount: u64) -> CellRow {
    let (provider, month) = (Some(provider("a@medmij")), month(month_number));
    CellRow { provider, month, cell: Cell::parse(text).unwrap(), late: false, amount }
}

fn mark(month_number: i64, who: u8, day: i8) -> MarkRow {
    MarkRow {
        provider: provider("a@medmij"),
        month: month(month_number),
        view: View::parse("pgo/49").unwrap(),
        mark: Mark::new([who; 16]),
        days: Days::one(day),
    }
}

fn delta(revision: u64, from: u64, next: u64) -> UsageDelta {
    UsageDelta { revision, log: LOG.into(), from, next, cells: Vec::new(), marks: Vec::new() }
}

async fn revision(store: &dyn FigureStore) -> u64 {
    store.usage_state().await.unwrap().revision
}

/// All rows of a table after a place, and the place after them.
async fn read(store: &dyn FigureStore, table: Table, after: Place) -> (Vec<Rows>, Place) {
    let (mut all, mut place) = (Vec::new(), after);
    loop {
        let page = store.usage_page(table, place).await.unwrap();
        let Some(last) = page.last else { return (all, place) };
        assert!(last > place);
        place = last;
        all.push(page.rows);
    }
}

async fn cells(store: &dyn FigureStore) -> Vec<CellRow> {
    let (rows, _) = read(store, Table::Cells, Place::default()).await;
    let mut cells: Vec<_> =
        rows.into_iter().flat_map(|rows| if let Rows::Cells(rows) = rows { rows } else { Vec::new() }).collect();
    cells.sort_by_key(|row| (row.month, row.late, row.cell.clone()));
    cells
}

async fn marks(store: &dyn FigureStore, after: Place) -> (Vec<MarkRow>, Place) {
    let (rows, place) = read(store, Table::Marks, after).await;
    let mut marks: Vec<_> =
        rows.into_iter().flat_map(|rows| if let Rows::Marks(rows) = rows { rows } else { Vec::new() }).collect();
    marks.sort_by_key(|row| (row.month, row.mark));
    (marks, place)
}

pub(super) async fn a_batch_is_counted_once_and_in_its_place(store: &dyn FigureStore) {
    assert_eq!(store.usage_state().await.unwrap(), UsageState::default());
    assert_eq!(store.counted(USAGE, LOG.into()).await, Ok(0));
    let first = UsageDelta {
        cells: vec![cell(202_603, "succeeded/pgo/49", 2), cell(202_603, "waiting/100", 2)],
        marks: vec![mark(202_603, 1, 3), mark(202_603, 2, 3)],
        ..delta(0, 0, 10)
    };
    assert_eq!(store.add_usage(first.clone()).await, Ok(Added::Done));
    assert_eq!(store.counted(USAGE, LOG.into()).await, Ok(10));
    let raced = [first.clone(), UsageDelta { revision: 1, ..first.clone() }, UsageDelta { from: 10, ..first }];
    for delta in raced {
        assert_eq!(store.add_usage(delta).await, Ok(Added::Raced));
    }
    let second = UsageDelta {
        cells: vec![
            cell(202_603, "succeeded/pgo/49", 3),
            CellRow { provider: None, ..cell(202_603, "failed/unknown/", 1) },
        ],
        marks: vec![mark(202_603, 2, 4), mark(202_603, 1, 3)],
        ..delta(1, 10, 20)
    };
    let (_, place) = marks(store, Place::default()).await;
    assert_eq!(store.add_usage(second).await, Ok(Added::Done));
    assert_eq!((revision(store).await, store.counted(USAGE, LOG.into()).await), (2, Ok(20)));
    let (all, _) = marks(store, Place::default()).await;
    let both = MarkRow { days: Days::one(3).and(Days::one(4)), ..mark(202_603, 2, 3) };
    assert_eq!(all, [mark(202_603, 1, 3), both.clone()]);
    let (changed, _) = marks(store, place).await;
    assert_eq!(changed.iter().filter(|row| **row == both).count(), 1, "what changed comes after the place");
    let expected = [
        CellRow { provider: None, ..cell(202_603, "failed/unknown/", 1) },
        cell(202_603, "succeeded/pgo/49", 5),
        cell(202_603, "waiting/100", 2),
    ];
    let mut found = cells(store).await;
    found.sort_by_key(|row| row.cell.to_string());
    assert_eq!(found, expected);
}

pub(super) async fn pages_have_a_bound_and_miss_nothing(store: &dyn FigureStore) {
    let most = u64::from(PAGE_ROWS);
    let row = |number: u64| MarkRow {
        mark: Mark::new(u128::from(number).to_be_bytes()),
        ..mark(202_603, 0, 1 + i8::try_from(number % 28).unwrap())
    };
    let marks = UsageDelta { marks: (0..most + 7).map(row).collect(), ..delta(0, 0, 1) };
    assert_eq!(store.add_usage(marks).await, Ok(Added::Done));
    let (rows, _) = read(store, Table::Marks, Place::default()).await;
    let lengths: Vec<_> = rows.iter().map(|rows| if let Rows::Marks(rows) = rows { rows.len() } else { 0 }).collect();
    assert_eq!(lengths, [usize::from(PAGE_ROWS), 7]);
    let (all, _) = self::marks(store, Place::default()).await;
    assert_eq!(all, (0..most + 7).map(row).collect::<Vec<_>>());
}

pub(super) async fn a_closed_month_keeps_what_is_kept_of_it(store: &dyn FigureStore) {
    let both = UsageDelta {
        cells: vec![cell(202_602, "succeeded/pgo/49", 1), cell(202_603, "succeeded/pgo/49", 1)],
        marks: vec![mark(202_602, 1, 1), mark(202_603, 1, 1)],
        ..delta(0, 0, 5)
    };
    assert_eq!(store.add_usage(both).await, Ok(Added::Done));
    let row = |scope: &str| ClosedRow { scope: scope.to_owned(), month: month(202_602), document: "{}".to_owned() };
    let rows = vec![row("whole"), row("practice:a@medmij")];
    let closing = Closing { revision: 1, month: month(202_602), rows: rows.clone() };
    assert_eq!(store.close_month(Closing { revision: 0, ..closing.clone() }).await, Ok(Added::Raced));
    assert_eq!(store.close_month(closing.clone()).await, Ok(Added::Done));
    assert_eq!(store.close_month(Closing { revision: 2, ..closing }).await, Ok(Added::Raced), "once");
    assert_eq!(store.usage_state().await.unwrap().closed, Some(month(202_602)));
    let late = CellRow { late: true, ..cell(202_602, "succeeded/pgo/49", 4) };
    assert_eq!(store.add_usage(UsageDelta { cells: vec![late.clone()], ..delta(2, 5, 6) }).await, Ok(Added::Done));
    while store.sweep_closed().await.unwrap() {}
    assert_eq!(cells(store).await, [late, cell(202_603, "succeeded/pgo/49", 1)]);
    assert_eq!(marks(store, Place::default()).await.0, [mark(202_603, 1, 1)]);
    let (kept, _) = read(store, Table::Closed, Place::default()).await;
    assert_eq!(kept, [Rows::Closed(rows)]);
    store.drop_counted().await.unwrap();
    let state = store.usage_state().await.unwrap();
    assert_eq!((state.epoch, state.closed, store.counted(USAGE, LOG.into()).await), (1, None, Ok(0)));
    for table in [Table::Cells, Table::Marks, Table::Closed] {
        assert!(read(store, table, Place::default()).await.0.is_empty(), "{table:?}");
    }
    assert_eq!(store.add_usage(delta(state.revision, 0, 5)).await, Ok(Added::Done), "and it begins anew");
}

pub(super) async fn the_zal_is_kept_as_times(store: &dyn FigureStore) {
    let named = |number: u64, names: &[&str]| NamedByZal {
        at: after(number * 60),
        number,
        providers: names.iter().map(|name| provider(name)).collect(),
    };
    assert_eq!(store.zal_named(named(3, &["a@medmij", "b@medmij"])).await, Ok(true));
    for number in [3, 2] {
        assert_eq!(store.zal_named(named(number, &[])).await, Ok(false), "not a newer one");
    }
    assert_eq!(store.zal_named(named(4, &["b@medmij"])).await, Ok(true));
    let (_, place) = read(store, Table::Listings, Place::default()).await;
    assert_eq!(store.zal_named(named(5, &["a@medmij", "b@medmij"])).await, Ok(true));
    let listing = |name: &str, from: u64, until: Option<u64>| Listing {
        provider: provider(name),
        from: after(from * 60),
        until: until.map(|until| after(until * 60)),
    };
    let (changed, _) = read(store, Table::Listings, place).await;
    assert_eq!(changed, [Rows::Listings(vec![listing("a@medmij", 5, None)])]);
    let (all, _) = read(store, Table::Listings, Place::default()).await;
    let mut all: Vec<_> =
        all.into_iter().flat_map(|rows| if let Rows::Listings(rows) = rows { rows } else { Vec::new() }).collect();
    all.sort_by(|a, b| (&a.provider, a.from).cmp(&(&b.provider, b.from)));
    let expected = [listing("a@medmij", 3, Some(4)), listing("a@medmij", 5, None), listing("b@medmij", 3, None)];
    assert_eq!(all, expected);
    assert!(all.iter().all(|one| one.from >= now()));
    store.drop_counted().await.unwrap();
    assert_eq!(read(store, Table::Listings, Place::default()).await.0.len(), 1, "it is no part of any log");
}

pub(super) async fn of_several_counters_each_batch_is_counted_once(store: Arc<dyn FigureStore>) {
    let counters: Vec<_> = (0..8).map(|_| tokio::spawn(count(Arc::clone(&store)))).collect();
    let mut done = 0;
    for counter in counters {
        done += counter.await.unwrap();
    }
    assert_eq!((done, cells(&*store).await), (20, vec![cell(202_603, "succeeded/pgo/49", 20)]));
}

/// Counts until 20 batches are, and says how many were its own.
async fn count(store: Arc<dyn FigureStore>) -> usize {
    let mut done = 0;
    loop {
        let state = store.usage_state().await.unwrap();
        let from = store.counted(USAGE, LOG.into()).await.unwrap();
        if from >= 20 {
            return done;
        }
        let cells = vec![cell(202_603, "succeeded/pgo/49", 1)];
        let added = store.add_usage(UsageDelta { cells, ..delta(state.revision, from, from + 1) }).await;
        done += usize::from(added == Ok(Added::Done));
    }
}
