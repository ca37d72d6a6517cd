//! An index in memory: for tests of what searches, and the plainest statement of what an index does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    Added, AuditIndex, Cursor, Entry, Found, IndexBatch, IndexPage, IndexPosition, IndexQuery, Indexed, RECORDS_MAX,
};
use crate::oauth::store::{StoreError, StoreFuture};

/// Keeps all records. Fails when told to.
#[derive(Debug, Default)]
pub struct MemoryIndex {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of a log is its place.
    logs: Vec<(Arc<str>, IndexPosition)>,
    records: BTreeMap<Cursor, Entry>,
    fails: bool,
}

impl MemoryIndex {
    /// From now on every operation fails, or none does.
    pub fn fail(&self, fails: bool) {
        self.state().fails = fails;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T: Send + 'static>(&self, work: impl FnOnce(&mut State) -> T) -> StoreFuture<'_, T> {
        let mut state = self.state();
        let done = if state.fails { Err(StoreError) } else { Ok(work(&mut state)) };
        Box::pin(std::future::ready(done))
    }
}

impl AuditIndex for MemoryIndex {
    fn search(&self, query: IndexQuery) -> StoreFuture<'_, IndexPage> {
        self.with(|state| {
            let newest_first = state.records.range(..query.start()).rev();
            let fitting = newest_first.filter(|(_, entry)| entry.fits(&query)).take(query.page() + 1);
            IndexPage::of(fitting.filter_map(|(place, entry)| state.found(*place, entry)).collect(), query.page())
        })
    }

    fn position(&self, log: Arc<str>) -> StoreFuture<'_, Option<IndexPosition>> {
        self.with(|state| state.logs.iter().find(|(name, _)| *name == log).map(|(_, position)| *position))
    }

    fn add(&self, batch: IndexBatch) -> StoreFuture<'_, Added> {
        self.with(|state| state.add(batch))
    }

    fn logs(&self) -> StoreFuture<'_, Vec<String>> {
        self.with(|state| state.logs.iter().map(|(name, _)| name.to_string()).collect())
    }

    fn records(&self, log: Arc<str>, from: u64, most: u16) -> StoreFuture<'_, Vec<Indexed>> {
        self.with(|state| {
            let number = state.logs.iter().position(|(name, _)| *name == log).and_then(|at| i64::try_from(at).ok());
            let of_log = state.records.iter().filter(|(place, entry)| Some(place.log) == number && entry.index >= from);
            let indexed = of_log.map(|(_, entry)| Indexed { index: entry.index, payload: entry.payload().to_vec() });
            let mut found: Vec<_> = indexed.collect();
            found.sort_by_key(|one| one.index);
            found.truncate(most.min(RECORDS_MAX).into());
            found
        })
    }
}

impl State {
    fn add(&mut self, batch: IndexBatch) -> Added {
        let position = IndexPosition { next: batch.next(), leaf: batch.leaf };
        let known = self.logs.iter().position(|(name, _)| *name == batch.log);
        let number = match known.and_then(|at| self.logs.get_mut(at).map(|(_, kept)| (at, kept))) {
            Some((_, kept)) if kept.next != batch.first() => return Added::Raced,
            Some((at, kept)) => {
                *kept = position;
                at
            }
            None => {
                self.logs.push((batch.log, position));
                self.logs.len() - 1
            }
        };
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        for entry in batch.entries {
            let index = i64::try_from(entry.index).unwrap_or(i64::MAX);
            self.records.insert(Cursor { time: entry.time.as_microsecond(), log: number, index }, entry);
        }
        Added::Done
    }

    fn found(&self, place: Cursor, entry: &Entry) -> Option<Found> {
        let (log, _) = self.logs.get(usize::try_from(place.log).ok()?)?;
        Some(Found { place, log: Arc::clone(log), payload: entry.payload().to_vec() })
    }
}
