//! What whoever runs a node needs of an index of the access log, beside searching and filling it.

use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;

use crate::audit::AuditIndex;
use crate::oauth::store::{StoreFault, StoreFuture};

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
