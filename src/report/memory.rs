//! What was counted, in memory: for tests, and the plainest statement of what a store does with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cell::Cell;
use super::people::{Days, Mark, View};
use super::period::Month;
use super::store::{
    CellRow, ClosedRow, Closing, FigureStore, Listing, MarkRow, NamedByZal, PAGE_ROWS, Page, Place, Rows, Table,
    UsageDelta, UsageState,
};
use crate::audit::Added;
use crate::medmij::ProviderName;
use crate::oauth::store::{StoreError, StoreFuture};

/// The name under which the position of the usage is kept.
use super::usage::USAGE;

/// Keeps everything. Fails when told to.
#[derive(Debug, Default)]
pub struct MemoryFigures {
    kept: Mutex<Kept>,
}

type CellKey = (Option<ProviderName>, Month, Cell, bool);
type MarkKey = (ProviderName, Month, View, Mark);

#[derive(Debug, Default)]
struct Kept {
    state: UsageState,
    list: Option<u64>,
    positions: HashMap<(&'static str, Arc<str>), u64>,
    rows: u64,
    cells: BTreeMap<CellKey, (Place, u64)>,
    marks: BTreeMap<MarkKey, (Place, Days)>,
    closed: BTreeMap<(String, Month), (Place, String)>,
    listings: Vec<(Place, Listing)>,
    fails: bool,
}

impl MemoryFigures {
    /// From now on every operation fails, or none does.
    pub fn fail(&self, fails: bool) {
        self.kept().fails = fails;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T: Send + 'static>(&self, work: impl FnOnce(&mut Kept) -> T) -> StoreFuture<'_, T> {
        let mut kept = self.kept();
        let done = if kept.fails { Err(StoreError) } else { Ok(work(&mut kept)) };
        Box::pin(std::future::ready(done))
    }
}

impl FigureStore for MemoryFigures {
    fn usage_state(&self) -> StoreFuture<'_, UsageState> {
        self.with(|kept| kept.state)
    }

    fn counted(&self, fold: &'static str, log: Arc<str>) -> StoreFuture<'_, u64> {
        self.with(|kept| kept.positions.get(&(fold, log)).copied().unwrap_or_default())
    }

    fn add_usage(&self, delta: UsageDelta) -> StoreFuture<'_, Added> {
        self.with(|kept| kept.add(delta))
    }

    fn close_month(&self, closing: Closing) -> StoreFuture<'_, Added> {
        self.with(|kept| kept.close(closing))
    }

    fn usage_page(&self, table: Table, after: Place) -> StoreFuture<'_, Page> {
        self.with(|kept| kept.page(table, after))
    }

    fn zal_named(&self, named: NamedByZal) -> StoreFuture<'_, bool> {
        self.with(|kept| kept.list(&named))
    }

    fn sweep_closed(&self) -> StoreFuture<'_, bool> {
        self.with(|kept| {
            let closed = kept.state.closed;
            kept.marks.retain(|(_, month, ..), _| Some(*month) > closed);
            kept.cells.retain(|(_, month, _, late), _| *late || Some(*month) > closed);
            false
        })
    }

    fn drop_counted(&self) -> StoreFuture<'_, ()> {
        self.with(|kept| {
            let UsageState { revision, epoch, .. } = kept.state;
            kept.state = UsageState { revision: revision + 1, epoch: epoch + 1, closed: None };
            kept.positions.retain(|(fold, _), _| *fold != USAGE);
            kept.cells.clear();
            kept.marks.clear();
            kept.closed.clear();
        })
    }
}

impl Kept {
    fn next(&mut self) -> Place {
        self.rows += 1;
        Place { revision: self.state.revision, id: self.rows }
    }

    fn add(&mut self, delta: UsageDelta) -> Added {
        let position = self.positions.entry((USAGE, delta.log)).or_default();
        if delta.revision != self.state.revision || *position != delta.from {
            return Added::Raced;
        }
        *position = delta.next;
        self.state.revision += 1;
        for CellRow { provider, month, cell, late, amount } in delta.cells {
            let (place, key) = (self.next(), (provider, month, cell, late));
            let kept = self.cells.entry(key).or_default();
            *kept = (place, kept.1 + amount);
        }
        for MarkRow { provider, month, view, mark, days } in delta.marks {
            let (place, key) = (self.next(), (provider, month, view, mark));
            let kept = self.marks.entry(key).or_default();
            *kept = (place, kept.1.and(days));
        }
        Added::Done
    }

    fn close(&mut self, closing: Closing) -> Added {
        if closing.revision != self.state.revision || Some(closing.month) <= self.state.closed {
            return Added::Raced;
        }
        self.state.revision += 1;
        self.state.closed = Some(closing.month);
        for ClosedRow { scope, month, document } in closing.rows {
            let place = self.next();
            self.closed.insert((scope, month), (place, document));
        }
        Added::Done
    }

    fn page(&self, table: Table, after: Place) -> Page {
        match table {
            Table::Cells => {
                let row = |((provider, month, cell, late), (place, amount)): (&CellKey, &(Place, u64))| {
                    let (provider, cell) = (provider.clone(), cell.clone());
                    (*place, CellRow { provider, month: *month, cell, late: *late, amount: *amount })
                };
                page(self.cells.iter().map(row), after, Rows::Cells)
            }
            Table::Marks => {
                let row = |((provider, month, view, mark), (place, days)): (&MarkKey, &(Place, Days))| {
                    let (provider, view) = (provider.clone(), view.clone());
                    (*place, MarkRow { provider, month: *month, view, mark: *mark, days: *days })
                };
                page(self.marks.iter().map(row), after, Rows::Marks)
            }
            Table::Closed => {
                let row = |((scope, month), (place, document)): (&(String, Month), &(Place, String))| {
                    (*place, ClosedRow { scope: scope.clone(), month: *month, document: document.clone() })
                };
                page(self.closed.iter().map(row), after, Rows::Closed)
            }
            Table::Listings => page(self.listings.iter().cloned(), after, Rows::Listings),
        }
    }

    fn list(&mut self, named: &NamedByZal) -> bool {
        if self.list.is_some_and(|number| named.number <= number) {
            return false;
        }
        self.list = Some(named.number);
        self.state.revision += 1;
        let revision = self.state.revision;
        for (place, one) in self.listings.iter_mut().filter(|(_, one)| one.until.is_none()) {
            if !named.providers.contains(&one.provider) {
                (place.revision, one.until) = (revision, Some(named.at));
            }
        }
        for provider in &named.providers {
            if !self.listings.iter().any(|(_, one)| one.until.is_none() && one.provider == *provider) {
                let place = self.next();
                self.listings.push((place, Listing { provider: provider.clone(), from: named.at, until: None }));
            }
        }
        true
    }
}

fn page<T>(rows: impl Iterator<Item = (Place, T)>, after: Place, of: fn(Vec<T>) -> Rows) -> Page {
    let mut rows: Vec<_> = rows.filter(|(place, _)| *place > after).collect();
    rows.sort_by_key(|(place, _)| *place);
    rows.truncate(PAGE_ROWS.into());
    let last = rows.last().map(|(place, _)| *place);
    Page { rows: of(rows.into_iter().map(|(_, row)| row).collect()), last }
}
