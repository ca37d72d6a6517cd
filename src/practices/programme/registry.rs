//! The register in force, and how it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::breach::{Breach, added};
use super::draft::{Draft, Entry, EntryKind, Key};
use super::store::{RegisterStore, Row, Version};
use crate::oauth::store::StoreError;

/// How often a change is judged again because another one came first.
const TRIES: usize = 16;
/// How many versions back it is told what changed.
const TOLD_VERSIONS: u16 = 100;

/// The register at one moment. It does not change.
#[derive(Debug, Clone, Default)]
pub struct Register {
    revision: u64,
    draft: Draft,
    versions: BTreeMap<Key, Version>,
}

impl Register {
    /// Counts the changes, from 1; 0 while it is empty.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// The entries.
    #[must_use]
    pub const fn entries(&self) -> &Draft {
        &self.draft
    }

    /// The newest version of an entry, also of one that was taken out.
    #[must_use]
    pub fn version(&self, key: &Key) -> Option<&Version> {
        self.versions.get(key)
    }

    /// The number by which the next change of an entry names what it was made from; 0 when there is no such entry.
    #[must_use]
    pub fn number(&self, key: &Key) -> u32 {
        let is_there = self.draft.entry(key).is_some();
        self.version(key).filter(|_| is_there).map_or(0, |version| version.number)
    }

    fn with(&self, rows: Vec<Row>) -> Result<Self, RegisterError> {
        let mut next = self.clone();
        for row in rows {
            let key = Key::parse(row.kind, &row.id).ok_or_else(|| RegisterError::Unreadable(row.id.clone()))?;
            match &row.document {
                Some(document) => next.draft.put(read(row.kind, document)?),
                None => next.draft.remove(&key),
            }
            next.revision = next.revision.max(row.revision);
            next.versions.insert(key, Version { number: row.version, by: row.by, at: row.at });
        }
        Ok(next)
    }
}

fn read(kind: EntryKind, document: &str) -> Result<Entry, RegisterError> {
    Entry::from_json(kind, document).map_err(|error| RegisterError::Unreadable(error.to_string()))
}

/// A wish to change an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub key: Key,
    /// The version that it was made from; 0: there was none.
    pub made_from: u32,
    /// What it is to be; `None`: it is taken out.
    pub entry: Option<Entry>,
}

impl Change {
    /// Puts an entry in.
    #[must_use]
    pub fn put(made_from: u32, entry: Entry) -> Self {
        Self { key: entry.key(), made_from, entry: Some(entry) }
    }
}

/// What a change does to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// There was none.
    Added,
    /// It is another one now.
    Changed,
    /// It is what it was.
    Same,
    /// There is none any more.
    Removed,
}

/// Changes that were judged, or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What each does, in their order.
    pub done: Vec<Done>,
    /// The revision that they were judged against, or that they made.
    pub revision: u64,
}

/// What changed since a change was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Of which entry.
    pub key: Key,
    /// The version that the change was made from; 0: none.
    pub made_from: u32,
    /// The newest version; 0: there is none any more.
    pub version: u32,
    /// Who made it and when.
    pub newest: Option<Version>,
    /// What is different in it; empty when the version that the change was made from is not known.
    pub differences: Vec<Difference>,
}

/// A field of an entry that is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub field: String,
    /// What it was, in JSON; empty when it was not there.
    pub was: String,
    /// What it is, in JSON; empty when it is not there.
    pub is: String,
}

/// Why the register is not changed, or not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// A change was made from another version than the newest.
    #[error("{} was changed since: it is at version {} now, not {}", .0.key, .0.version, .0.made_from)]
    Stale(Box<Stale>),
    /// It would break what always holds.
    #[error("it is not in order")]
    Breaches(Vec<Breach>),
    /// There is no such entry to take out.
    #[error("{0} is not in the register")]
    Absent(Key),
    /// One entry is changed twice at once.
    #[error("{0} stands there twice")]
    Twice(Key),
    /// Others changed the register again and again meanwhile.
    #[error("others are changing the register; try again")]
    Busy,
    /// What is kept is of another release.
    #[error("what is kept of the register cannot be read: {0}")]
    Unreadable(String),
    /// The store does not answer; whether the change was made is not known.
    #[error("the store does not answer: look again whether it was done")]
    Store,
}

impl From<StoreError> for RegisterError {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

/// The register of all nodes, behind their store.
pub struct Registry {
    store: Arc<dyn RegisterStore>,
    known: ArcSwap<Register>,
    /// One reading at a time, so that an older one never replaces a newer one.
    turn: Semaphore,
}

impl Registry {
    /// One that has read nothing yet.
    #[must_use]
    pub fn new(store: Arc<dyn RegisterStore>) -> Self {
        Self { store, known: ArcSwap::default(), turn: Semaphore::new(1) }
    }

    /// The register as it is now. It is asked from the store, which tells what changed since the last time.
    ///
    /// # Errors
    /// When the store does not answer, or keeps what this release cannot read.
    pub async fn read(&self) -> Result<Arc<Register>, RegisterError> {
        let _turn = self.turn.acquire().await.map_err(|_| RegisterError::Store)?;
        let known = self.known.load_full();
        let rows = self.store.since(known.revision).await?;
        if rows.is_empty() {
            return Ok(known);
        }
        let next = Arc::new(known.with(rows)?);
        self.known.store(Arc::clone(&next));
        Ok(next)
    }

    /// The newest versions of an entry, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn versions(&self, key: &Key) -> Result<Vec<Row>, RegisterError> {
        Ok(self.store.versions(key.kind(), key.id(), TOLD_VERSIONS).await?)
    }

    /// What changes would do, and nothing else.
    ///
    /// # Errors
    /// Those of [`Self::change`].
    pub async fn try_out(&self, changes: &[Change]) -> Result<Judged, RegisterError> {
        let register = self.read().await?;
        let done = self.judge(&register, changes).await?;
        Ok(Judged { done, revision: register.revision })
    }

    /// Makes changes, all or none.
    ///
    /// # Errors
    /// See [`RegisterError`].
    pub async fn change(&self, changes: &[Change], by: &str, at: Timestamp) -> Result<Judged, RegisterError> {
        for _ in 0..TRIES {
            let register = self.read().await?;
            let done = self.judge(&register, changes).await?;
            let rows = rows(&register, changes, &done, by, at);
            if rows.is_empty() {
                return Ok(Judged { done, revision: register.revision });
            }
            if self.store.keep(rows).await? {
                return Ok(Judged { done, revision: self.read().await?.revision });
            }
        }
        Err(RegisterError::Busy)
    }

    /// What each change does to this register, when all are in order.
    async fn judge(&self, register: &Register, changes: &[Change]) -> Result<Vec<Done>, RegisterError> {
        let (mut next, mut seen) = (register.draft.clone(), std::collections::BTreeSet::new());
        let mut done = Vec::with_capacity(changes.len());
        for change in changes {
            if !seen.insert(&change.key) {
                return Err(RegisterError::Twice(change.key.clone()));
            }
            if register.number(&change.key) != change.made_from {
                return Err(RegisterError::Stale(Box::new(self.stale(register, change).await?)));
            }
            done.push(apply(&mut next, change)?);
        }
        let breaches = added(&register.draft, &next);
        if breaches.is_empty() { Ok(done) } else { Err(RegisterError::Breaches(breaches)) }
    }

    async fn stale(&self, register: &Register, change: &Change) -> Result<Stale, RegisterError> {
        let Change { key, made_from, .. } = change;
        let kept = self.versions(key).await?;
        let was = kept.into_iter().find(|row| row.version == *made_from).and_then(|row| row.document);
        let is = register.draft.entry(key).map(|entry| entry.to_json());
        Ok(Stale {
            key: key.clone(),
            made_from: *made_from,
            version: register.number(key),
            newest: register.version(key).cloned(),
            differences: was.map_or_else(Vec::new, |was| differences(&was, is.as_deref().unwrap_or("{}"))),
        })
    }
}

fn apply(next: &mut Draft, change: &Change) -> Result<Done, RegisterError> {
    let before = next.entry(&change.key);
    match (&change.entry, before) {
        (Some(entry), Some(before)) if *entry == before => Ok(Done::Same),
        (Some(entry), before) => {
            next.put(entry.clone());
            Ok(if before.is_some() { Done::Changed } else { Done::Added })
        }
        (None, Some(_)) => {
            next.remove(&change.key);
            Ok(Done::Removed)
        }
        (None, None) => Err(RegisterError::Absent(change.key.clone())),
    }
}

/// What is to be kept of changes that do something.
fn rows(register: &Register, changes: &[Change], done: &[Done], by: &str, at: Timestamp) -> Vec<Row> {
    let real = changes.iter().zip(done).filter(|(_, done)| **done != Done::Same);
    let row = |change: &Change| Row {
        kind: change.key.kind(),
        id: change.key.id().to_owned(),
        version: register.version(&change.key).map_or(0, |version| version.number).saturating_add(1),
        document: change.entry.as_ref().map(Entry::to_json),
        by: by.to_owned(),
        at,
        revision: register.revision.saturating_add(1),
    };
    real.map(|(change, _)| row(change)).collect()
}

/// The fields in which two documents differ.
fn differences(was: &str, is: &str) -> Vec<Difference> {
    let fields = |text: &str| match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (was, is) = (fields(was), fields(is));
    let names: std::collections::BTreeSet<_> = was.keys().chain(is.keys()).collect();
    let text = |value: Option<&Value>| value.map(ToString::to_string).unwrap_or_default();
    let different = names.into_iter().filter(|name| was.get(*name) != is.get(*name));
    different.map(|name| Difference { field: name.clone(), was: text(was.get(name)), is: text(is.get(name)) }).collect()
}
