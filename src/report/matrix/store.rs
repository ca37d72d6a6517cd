//! What the matrix needs of a store. All that it keeps can be counted again from the access log; every row is a small document
//! that only this part reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::month::MonthNumber;
use crate::medmij::LocalId;
use crate::oauth::store::StoreFuture;

/// Keeps the matrix.
pub trait MatrixStore: Send + Sync + 'static {
    /// How far it is counted.
    fn counted(&self) -> StoreFuture<'_, CountedTo>;

    /// Rows by their keys; those that are not there are left out. Visits that are due come beside, the longest due first.
    fn held(&self, wanted: Wanted) -> StoreFuture<'_, Held>;

    /// Keeps a change whole, and counts the generation on; or nothing, when the generation is not the one that it was made from.
    fn keep(&self, change: Change) -> StoreFuture<'_, Kept>;

    /// The counts of all combinations in these months, both included.
    fn months(&self, from: MonthNumber, to: MonthNumber) -> StoreFuture<'_, Vec<MonthRow>>;

    /// What is kept of every combination.
    fn standings(&self) -> StoreFuture<'_, Vec<StandingRow>>;

    /// Takes away months before this one, and combinations that nobody tried since this moment. How many rows went.
    fn prune(&self, month: MonthNumber, touched: Timestamp) -> StoreFuture<'_, usize>;
}

/// How far it is counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CountedTo {
    /// Counts the changes; 0 before the first.
    pub generation: u64,
    /// How many combinations there are.
    pub combinations: u64,
    /// By log.
    pub logs: BTreeMap<Arc<str>, LogPosition>,
}

/// How far a log is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    /// The index of the first record that is not counted yet.
    pub next: u64,
    /// The time of the newest record that is.
    pub time: Timestamp,
}

/// Which rows are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// These visits.
    pub visits: Vec<LocalId>,
    /// Those that are due at this moment, and how many at most.
    pub due: Option<(Timestamp, u16)>,
    /// The counts of these combinations in these months.
    pub months: Vec<(String, MonthNumber)>,
    /// What is kept of these combinations.
    pub standings: Vec<String>,
    /// And of every one that has an alarm.
    pub alarmed: bool,
}

/// Rows that are there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// Visits.
    pub visits: Vec<(LocalId, Vec<u8>)>,
    /// Counts.
    pub months: Vec<MonthRow>,
    /// Of combinations.
    pub standings: Vec<StandingRow>,
}

/// The counts of a combination in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthRow {
    /// Its key.
    pub combination: String,
    /// The month.
    pub month: MonthNumber,
    /// See [`Month::write`](super::month::Month::write).
    pub body: Vec<u8>,
}

/// What is kept of a combination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingRow {
    /// Its key.
    pub combination: String,
    /// Whether it has an alarm.
    pub alarmed: bool,
    /// When it was last tried.
    pub touched: Timestamp,
    /// See [`Standing::write`](super::standing::Standing::write).
    pub body: Vec<u8>,
}

/// What becomes of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitRow {
    /// Which.
    pub visit: LocalId,
    /// When it is due and what is kept of it; `None`: it is forgotten.
    pub kept: Option<(Timestamp, Vec<u8>)>,
}

/// A change, made from what a store held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// The generation that it was made from.
    pub generation: u64,
    /// The log that is counted further, and how far.
    pub log: Option<(Arc<str>, LogPosition)>,
    /// Visits.
    pub visits: Vec<VisitRow>,
    /// Counts, each whole.
    pub months: Vec<MonthRow>,
    /// Combinations, each whole.
    pub standings: Vec<StandingRow>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is kept.
    Done,
    /// Somebody else changed something meanwhile. Nothing was kept.
    Raced,
}
