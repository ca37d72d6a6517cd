//! What whoever runs a node needs of an index of the access log, beside searching and filling it.

use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;

use crate::audit::{Added, AuditIndex, IndexBatch, IndexPage, IndexPosition, IndexQuery, Indexed};
use crate::oauth::store::{StoreError, StoreFault, StoreFuture};

/// An index that a node keeps.
pub trait IndexStore: AuditIndex + Debug {
    /// Whether it does its work. Never waits; when something is wrong it tries again, and a later call tells what came of it.
    ///
    /// # Errors
    /// The reason why not.
    fn health(&self) -> Result<(), StoreFault>;

    /// Drops what happened before this moment, in steps. Positions stay.
    fn prune(&self, before: Timestamp) -> StoreFuture<'_, Pruned>;

    /// Takes a log out, so that it can be added anew. When that is broken off, adding it anew is right all the same.
    fn forget(&self, log: Arc<str>) -> StoreFuture<'_, ()>;

    /// Finishes what is waiting; each later operation is an error. Blocks until then.
    fn close(&self);
}

/// What was dropped of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Records, where they are dropped one by one.
    pub records: u64,
    /// Days, where a day is dropped as a whole.
    pub days: u64,
}

/// An index that could not be opened.
#[derive(Debug)]
pub struct ClosedIndex;

fn closed<T: Send + 'static>() -> StoreFuture<'static, T> {
    Box::pin(std::future::ready(Err(StoreError)))
}

impl AuditIndex for ClosedIndex {
    fn search(&self, _: IndexQuery) -> StoreFuture<'_, IndexPage> {
        closed()
    }

    fn position(&self, _: Arc<str>) -> StoreFuture<'_, Option<IndexPosition>> {
        closed()
    }

    fn add(&self, _: IndexBatch) -> StoreFuture<'_, Added> {
        closed()
    }

    fn logs(&self) -> StoreFuture<'_, Vec<String>> {
        closed()
    }

    fn records(&self, _: Arc<str>, _: u64, _: u16) -> StoreFuture<'_, Vec<Indexed>> {
        closed()
    }
}

impl IndexStore for ClosedIndex {
    fn health(&self) -> Result<(), StoreFault> {
        Err(StoreFault::Stopped)
    }

    fn prune(&self, _: Timestamp) -> StoreFuture<'_, Pruned> {
        closed()
    }

    fn forget(&self, _: Arc<str>) -> StoreFuture<'_, ()> {
        closed()
    }

    fn close(&self) {}
}
