//! Where the register is kept.

use jiff::Timestamp;

use super::draft::EntryKind;
use crate::oauth::store::StoreFuture;

/// A version of an entry, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Of what.
    pub kind: EntryKind,
    /// Its name among those of its kind.
    pub id: String,
    /// Counts the versions of this entry, from 1.
    pub version: u32,
    /// The entry in JSON; `None`: it was taken out.
    pub document: Option<String>,
    /// Who made it: the name in their certificate.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Counts the changes of the register, from 1.
    pub revision: u64,
}

/// What is kept of the version in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Counts the versions of this entry, from 1.
    pub number: u32,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Keeps every version of every entry.
pub trait RegisterStore: Send + Sync {
    /// The newest version of each entry that changed after this revision, from one moment, in the order of revisions.
    fn since(&self, revision: u64) -> StoreFuture<'_, Vec<Row>>;

    /// The newest versions of an entry, newest first, at most so many.
    fn versions<'a>(&'a self, kind: EntryKind, id: &str, most: u16) -> StoreFuture<'a, Vec<Row>>;

    /// Keeps these versions, all or none, when the register is still at the revision before theirs; whether it was. Of two at
    /// once from the same revision one is kept.
    fn keep(&self, rows: Vec<Row>) -> StoreFuture<'_, bool>;
}
