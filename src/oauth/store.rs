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
}

/// A future of a store.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
