//! What can be searched of the access log: a copy of its records in a store, derived from the log and rebuilt from it. The log
//! is the evidence; nothing is decided on the index.

mod entry;
mod memory;
mod progress;
mod written;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

pub use entry::Entry;
pub use memory::MemoryIndex;
pub use progress::{IndexCounts, IndexFault, IndexProgress, Lag};

use super::{Kind, Outcome, Pseudonym, Record};
use crate::medmij::{Hostname, ProviderName, ServiceId};
use crate::oauth::store::StoreFuture;

/// Most records of one page.
pub const PAGE_MAX: u16 = 500;
/// Most records that are read in the order of a log at a time.
pub const RECORDS_MAX: u16 = 2_048;

/// The records of the access logs of all nodes that share a store.
pub trait AuditIndex: Send + Sync + 'static {
    /// A page of the records that fit `query`, newest first.
    fn search(&self, query: IndexQuery) -> StoreFuture<'_, IndexPage>;

    /// How far the log of this id is in the index; `None` when nothing of it is.
    fn position(&self, log: Arc<str>) -> StoreFuture<'_, Option<IndexPosition>>;

    /// Adds records and moves the position of their log, both or neither. When an earlier attempt failed, its records may be
    /// there: look at the position first.
    fn add(&self, batch: IndexBatch) -> StoreFuture<'_, Added>;

    /// The ids of the logs that it has records of, pruned ones too.
    fn logs(&self) -> StoreFuture<'_, Vec<String>>;

    /// The records of a log from this index on, in the order of the log; at most so many, and at most [`RECORDS_MAX`]. Those that
    /// were pruned are left out. When there are none, there are none from there on.
    fn records(&self, log: Arc<str>, from: u64, most: u16) -> StoreFuture<'_, Vec<Indexed>>;
}

/// A record as it stands in its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    /// Its place in its log.
    pub index: u64,
    /// Its payload, byte for byte.
    pub payload: Vec<u8>,
}

/// Consecutive records of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexBatch {
    /// The id of the log.
    pub log: Arc<str>,
    /// The records, in the order of the log, at least one. They are added only when the first is where the index is.
    pub entries: Vec<Entry>,
    /// The leaf hash (RFC 6962 section 2.1) of the last one.
    pub leaf: [u8; 32],
}

impl IndexBatch {
    /// The index of the first record.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.entries.first().map_or(0, |entry| entry.index)
    }

    /// The index after the last record.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.index.saturating_add(1))
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// Its records and the position are in the index.
    Done,
    /// It does not begin where the index is: somebody else added meanwhile. Nothing was added.
    Raced,
}

/// How far a log is in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexPosition {
    /// The index of the first record that is not there yet; never 0.
    pub next: u64,
    /// The leaf hash of the record before it, by which a log that was replaced is recognised.
    pub leaf: [u8; 32],
}

/// What is looked for. Everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexQuery {
    /// The pseudonyms of a person, one a year; empty: whoever it is about.
    pub subjects: Vec<Pseudonym>,
    /// The practice.
    pub provider: Option<ProviderName>,
    /// The PGO or portal.
    pub client: Option<Hostname>,
    /// The data service.
    pub service: Option<ServiceId>,
    /// What happened; empty: anything.
    pub kinds: Vec<Kind>,
    /// How it ended; empty: however.
    pub outcomes: Vec<Outcome>,
    /// Not before this moment.
    pub from: Timestamp,
    /// Before this moment.
    pub to: Timestamp,
    /// After this place of an earlier page of the same query.
    pub after: Option<Cursor>,
    /// How many records at most, 1 to [`PAGE_MAX`].
    pub limit: u16,
}

impl IndexQuery {
    /// Everything of a period, 100 records a page.
    #[must_use]
    pub const fn between(from: Timestamp, to: Timestamp) -> Self {
        Self {
            subjects: Vec::new(),
            provider: None,
            client: None,
            service: None,
            kinds: Vec::new(),
            outcomes: Vec::new(),
            from,
            to,
            after: None,
            limit: 100,
        }
    }

    /// Where the page begins: records before this place in the order of [`Cursor`], exclusive.
    pub(crate) fn start(&self) -> Cursor {
        // Nothing has a negative number, so this is before every record of that moment.
        let end = Cursor { time: self.to.as_microsecond(), log: -1, index: -1 };
        self.after.map_or(end, |after| after.min(end))
    }

    /// How many records a page has at most.
    pub(crate) fn page(&self) -> usize {
        usize::from(self.limit.clamp(1, PAGE_MAX))
    }
}

/// A place between two records: by time, then by log, then by index. Pages that follow one another by it never show a record
/// twice, and miss none that was there when the first was made. The log counts as the index numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// Microseconds since 1970-01-01T00:00Z.
    pub(crate) time: i64,
    pub(crate) log: i64,
    pub(crate) index: i64,
}

impl Cursor {
    /// Parses what [`fmt::Display`] gives.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        let cursor = Self { time: next()?, log: next()?, index: next()? };
        (cursor.to_string() == text).then_some(cursor)
    }
}

/// `<microseconds>.<log>.<index>`: it tells when an event happened, nothing else.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.time, self.log, self.index)
    }
}

/// A page of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexPage {
    /// The records, newest first. Each names its log as its source, also where its version does not.
    pub records: Vec<Record>,
    /// How many more stood here that this release cannot read, because another wrote them.
    pub unreadable: usize,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<Cursor>,
}

/// A record as an index gives it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) place: Cursor,
    pub(crate) log: Arc<str>,
    pub(crate) payload: Vec<u8>,
}

impl IndexPage {
    /// The first `page` of what was found, in order; one more tells that there is a next page.
    pub(crate) fn of(mut found: Vec<Found>, page: usize) -> Self {
        let more = found.len() > page;
        found.truncate(page);
        let next = found.last().filter(|_| more).map(|last| last.place);
        let records: Vec<Record> = found.iter().filter_map(Found::record).collect();
        Self { unreadable: found.len() - records.len(), records, next }
    }
}

impl Found {
    fn record(&self) -> Option<Record> {
        let mut record = Record::parse(u64::try_from(self.place.index).ok()?, &self.payload).ok()?;
        record.source = Some(Arc::clone(&self.log));
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_parses_back(time: i64, log: i64, index: i64) {
            let cursor = Cursor { time, log, index };
            prop_assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        }

        #[test]
        fn no_text_is_two_cursors(text in "[-+.0-9]{0,30}") {
            prop_assert!(Cursor::parse(&text).is_none_or(|cursor| cursor.to_string() == text));
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "1..3", "+1.2.3", "1.2.99999999999999999999"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_cursor_beyond_the_period_begins_at_its_end() {
        let to: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
        let query = IndexQuery::between(Timestamp::UNIX_EPOCH, to);
        let end = query.start();
        let late = Cursor { time: i64::MAX, log: 1, index: 1 };
        assert_eq!(IndexQuery { after: Some(late), ..query.clone() }.start(), end);
        let within = Cursor { time: 5, log: 1, index: 1 };
        assert_eq!(IndexQuery { after: Some(within), ..query }.start(), within);
    }
}
