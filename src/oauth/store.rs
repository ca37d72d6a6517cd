//! What the ports of a store share: their futures, and the one way in which they fail.

use std::future::Future;
use std::pin::Pin;

/// The store could not answer; whether a code was spent is then unknown, and it counts as spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store does not answer")]
pub struct StoreError;

/// A future of a store.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
