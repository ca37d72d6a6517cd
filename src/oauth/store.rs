//! What the ports of a store share: their futures, the one way in which they fail, and what is wrong with it.

use std::future::Future;
use std::pin::Pin;

/// The store could not answer; whether a code was spent is then unknown, and it counts as spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store does not answer")]
pub struct StoreError;

/// Why the store cannot do its work now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// A thread ended; only a restart brings it back.
    #[error("the store stopped")]
    Stopped,
    /// The last commit failed: the device is full, read-only or broken.
    #[error("the store cannot write")]
    Unwritable,
    /// No connection to the database server can be made, or it broke.
    #[error("the store cannot be reached")]
    Unreachable,
    /// The database server did not answer in time.
    #[error("the store does not answer in time")]
    Slow,
}

/// What a store that works over connections tells of them; for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolFigures {
    /// Connections that work.
    pub in_use: usize,
    /// Connections that wait for work.
    pub idle: usize,
    /// Operations that wait for a connection.
    pub waiting: usize,
    /// How many operations found no free connection, since the start.
    pub waits: u64,
    /// How many operations failed, since the start.
    pub failures: StoreFailures,
}

/// How many operations failed since the start, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreFailures {
    /// No connection became free in time.
    pub busy: u64,
    /// There was no connection, or it broke.
    pub unreachable: u64,
    /// No answer in time.
    pub overdue: u64,
    /// The server refused the operation.
    pub refused: u64,
}

/// A future of a store.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
