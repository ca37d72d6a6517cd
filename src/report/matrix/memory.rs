//! The matrix in memory, for tests and as the plainest form of what a store does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::month::MonthNumber;
use super::store::{Change, CountedTo, Held, Kept, LogPosition, MatrixStore, MonthRow, StandingRow, Wanted};
use crate::medmij::LocalId;
use crate::oauth::store::StoreFuture;

/// Keeps the matrix as long as the process runs.
#[derive(Debug, Default)]
pub struct MemoryMatrix(Mutex<Rows>);

#[derive(Debug, Default)]
struct Rows {
    generation: u64,
    logs: BTreeMap<Arc<str>, LogPosition>,
    visits: BTreeMap<String, (LocalId, Timestamp, Vec<u8>)>,
    months: BTreeMap<(String, MonthNumber), Vec<u8>>,
    standings: BTreeMap<String, StandingRow>,
}

impl MemoryMatrix {
    fn with<T: Send + 'static>(&self, work: impl FnOnce(&mut Rows) -> T) -> StoreFuture<'_, T> {
        let done = work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(std::future::ready(Ok(done)))
    }
}

impl Rows {
    fn held(&self, wanted: &Wanted) -> Held {
        let named = wanted.visits.iter().filter_map(|visit| self.visits.get(&visit.to_string()));
        let mut visits: Vec<_> = named.map(|(visit, _, body)| (*visit, body.clone())).collect();
        if let Some((at, most)) = wanted.due {
            let mut due: Vec<_> = self.visits.values().filter(|(_, due, _)| *due <= at).collect();
            due.sort_by_key(|(visit, due, _)| (*due, visit.to_string()));
            let due = due.into_iter().take(most.into()).filter(|(visit, ..)| !wanted.visits.contains(visit));
            visits.extend(due.map(|(visit, _, body)| (*visit, body.clone())));
        }
        let months = wanted.months.iter().filter_map(|key| Some((key, self.months.get(key)?)));
        let months = months.map(|((combination, month), body)| MonthRow {
            combination: combination.clone(),
            month: *month,
            body: body.clone(),
        });
        let is_wanted =
            |row: &&StandingRow| (wanted.alarmed && row.alarmed) || wanted.standings.contains(&row.combination);
        Held {
            visits,
            months: months.collect(),
            standings: self.standings.values().filter(is_wanted).cloned().collect(),
        }
    }

    fn keep(&mut self, change: Change) -> Kept {
        if change.generation != self.generation {
            return Kept::Raced;
        }
        self.generation += 1;
        self.logs.extend(change.log);
        for row in change.visits {
            match row.kept {
                Some((due, body)) => self.visits.insert(row.visit.to_string(), (row.visit, due, body)),
                None => self.visits.remove(&row.visit.to_string()),
            };
        }
        self.months.extend(change.months.into_iter().map(|row| ((row.combination, row.month), row.body)));
        self.standings.extend(change.standings.into_iter().map(|row| (row.combination.clone(), row)));
        Kept::Done
    }
}

impl MatrixStore for MemoryMatrix {
    fn counted(&self) -> StoreFuture<'_, CountedTo> {
        self.with(|rows| CountedTo {
            generation: rows.generation,
            combinations: rows.standings.len() as u64,
            logs: rows.logs.clone(),
        })
    }

    fn held(&self, wanted: Wanted) -> StoreFuture<'_, Held> {
        self.with(|rows| rows.held(&wanted))
    }

    fn keep(&self, change: Change) -> StoreFuture<'_, Kept> {
        self.with(|rows| rows.keep(change))
    }

    fn months(&self, from: MonthNumber, to: MonthNumber) -> StoreFuture<'_, Vec<MonthRow>> {
        self.with(|rows| {
            let within = rows.months.iter().filter(|((_, month), _)| (from..=to).contains(month));
            let row = |((combination, month), body): (&(String, MonthNumber), &Vec<u8>)| MonthRow {
                combination: combination.clone(),
                month: *month,
                body: body.clone(),
            };
            within.map(row).collect()
        })
    }

    fn standings(&self) -> StoreFuture<'_, Vec<StandingRow>> {
        self.with(|rows| rows.standings.values().cloned().collect())
    }

    fn prune(&self, month: MonthNumber, touched: Timestamp) -> StoreFuture<'_, usize> {
        self.with(|rows| {
            let before = rows.months.len() + rows.standings.len();
            rows.months.retain(|(_, kept), _| *kept >= month);
            rows.standings.retain(|_, row| row.touched >= touched);
            before - rows.months.len() - rows.standings.len()
        })
    }
}
