//! The port through which lists are fetched; who implements it knows about networks, who uses it does not.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

use super::ListKind;

/// A future of a source.
pub type SourceFuture<'a> = Pin<Box<dyn Future<Output = Result<Bytes, SourceError>> + Send + 'a>>;

/// Where the lists come from.
pub trait ListSource: Send + Sync + 'static {
    /// Fetches one list, whole, within a deadline and a size of the source's own.
    fn fetch(&self, list: ListKind) -> SourceFuture<'_>;
}

/// Why there is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No connection, no trust in the publisher's certificate, or the answer broke off.
    #[error("the publisher cannot be reached, is not trusted, or broke off")]
    Unreachable,
    /// No complete answer before the deadline.
    #[error("the publisher did not answer in time")]
    TimedOut,
    /// A redirect; it is not followed, for a list decides whom we trust.
    #[error("the publisher sent a redirect")]
    Redirected,
    /// Another status than 200.
    #[error("the publisher answered with status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// More than [`super::MAX_LIST_BYTES`].
    #[error("the list is larger than is read")]
    TooLarge,
}
