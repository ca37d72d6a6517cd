//! Where what was counted is kept: rows, each with the revision that changed it last, so that a node reads what is new only.

use std::sync::Arc;

use jiff::Timestamp;

use super::cell::Cell;
use super::people::{Days, Mark, View};
use super::period::Month;
use crate::audit::Added;
use crate::medmij::ProviderName;
use crate::oauth::store::StoreFuture;

/// How far all of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageState {
    /// Counts the changes, from 1; 0 before the first.
    pub revision: u64,
    /// Counts how often everything was dropped to be counted anew: what is known of an earlier one is of no use.
    pub epoch: u64,
    /// The last month that is closed; those before it are too.
    pub closed: Option<Month>,
}

/// An amount of a practice in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellRow {
    /// The practice; `None` when the record names none.
    pub provider: Option<ProviderName>,
    /// When.
    pub month: Month,
    /// What is counted.
    pub cell: Cell,
    /// Whether the month was closed already. What was on time is then part of what is kept of the closed month.
    pub late: bool,
    /// How much: in a delta what is added, in a page how much it is.
    pub amount: u64,
}

/// That somebody looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkRow {
    /// At which practice.
    pub provider: ProviderName,
    /// When.
    pub month: Month,
    /// By which way, and at what.
    pub view: View,
    /// Who.
    pub mark: Mark,
    /// On which days.
    pub days: Days,
}

/// What is kept of a scope in a month that is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedRow {
    /// The scope, as [`Scope`](super::Scope) writes it.
    pub scope: String,
    /// The month.
    pub month: Month,
    /// See [`closed`](super::closed).
    pub document: String,
}

/// A time in which the ZAL named a practice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The practice.
    pub provider: ProviderName,
    /// Since when.
    pub from: Timestamp,
    /// Until when; `None` while it does.
    pub until: Option<Timestamp>,
}

/// What a batch of records adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageDelta {
    /// The revision to which it is added, and by whose closed month it was judged what is late.
    pub revision: u64,
    /// The log of the records.
    pub log: Arc<str>,
    /// The index of the first of them.
    pub from: u64,
    /// The index after the last of them.
    pub next: u64,
    /// Each cell once.
    pub cells: Vec<CellRow>,
    /// Each mark once with each view.
    pub marks: Vec<MarkRow>,
}

/// A month that is to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The revision from which it was worked out.
    pub revision: u64,
    /// Which month.
    pub month: Month,
    /// What is kept of it.
    pub rows: Vec<ClosedRow>,
}

/// The practices that a ZAL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedByZal {
    /// Since when it is in force.
    pub at: Timestamp,
    /// The number of the list: an older one than the last is passed over.
    pub number: u64,
    /// Who is on it.
    pub providers: Vec<ProviderName>,
}

/// What rows are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// [`CellRow`]
    Cells,
    /// [`MarkRow`]
    Marks,
    /// [`ClosedRow`]
    Closed,
    /// [`Listing`]
    Listings,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cells, Self::Marks, Self::Closed, Self::Listings];
}

/// Rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// Of [`Table::Cells`].
    Cells(Vec<CellRow>),
    /// Of [`Table::Marks`].
    Marks(Vec<MarkRow>),
    /// Of [`Table::Closed`].
    Closed(Vec<ClosedRow>),
    /// Of [`Table::Listings`].
    Listings(Vec<Listing>),
}

/// A place between two rows of a table, in the order of their revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The revision that changed the row last.
    pub revision: u64,
    /// Its number in the table.
    pub id: u64,
}

/// Some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// As they are now.
    pub rows: Rows,
    /// Where the next page begins; `None` when this one is empty.
    pub last: Option<Place>,
}

/// Most rows of a page.
pub const PAGE_ROWS: u16 = 4_000;

/// Keeps what was counted, for all nodes that share a store.
pub trait FigureStore: Send + Sync {
    /// How far it is.
    fn usage_state(&self) -> StoreFuture<'_, UsageState>;

    /// The index of the first record of a log that this fold has not counted.
    fn counted(&self, fold: &'static str, log: Arc<str>) -> StoreFuture<'_, u64>;

    /// Adds what a batch adds and moves the position of its log, both or neither; neither also when the revision or the position
    /// is another one.
    fn add_usage(&self, delta: UsageDelta) -> StoreFuture<'_, Added>;

    /// Closes a month, when the revision is still the one that it was worked out from.
    fn close_month(&self, closing: Closing) -> StoreFuture<'_, Added>;

    /// Rows after a place, in the order of places; at most [`PAGE_ROWS`].
    fn usage_page(&self, table: Table, after: Place) -> StoreFuture<'_, Page>;

    /// Ends the time of practices that the ZAL does not name any more, and begins that of new ones. Whether the list was a newer
    /// one.
    fn zal_named(&self, named: NamedByZal) -> StoreFuture<'_, bool>;

    /// Drops some marks and cells of months that are closed; whether there may be more.
    fn sweep_closed(&self) -> StoreFuture<'_, bool>;

    /// Drops everything that is counted from records, so that it is counted anew. What the ZAL named stays.
    fn drop_counted(&self) -> StoreFuture<'_, ()>;
}
